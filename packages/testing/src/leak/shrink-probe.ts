import type { WireRequest } from '../http/wire.ts'
import type { Probe } from './probe.ts'

/**
 * Takes away from a request whatever the finding does not need, so that a person sees at once what it is about.
 * @param fails whether the finding is still there with this request
 */
export async function shrinkProbe(probe: Probe, fails: (probe: Probe) => Promise<boolean>): Promise<Probe> {
  let smallest = probe
  for (let shrunk = true; shrunk;) {
    shrunk = false
    for (const request of smallerRequests(smallest.request)) {
      const candidate = { ...smallest, request }
      if (!(await fails(candidate))) continue
      smallest = candidate
      shrunk = true
      break
    }
  }
  return smallest
}

const credentials = new Set(['authorization', 'cookie', 'x-api-key', 'x-csrf-token', 'origin', 'content-type'])

function* smallerRequests(request: WireRequest): Generator<WireRequest> {
  for (const header of request.headers) {
    // Without its credential it would be another request.
    if (credentials.has(header[0])) continue
    yield { ...request, headers: request.headers.filter((each) => each !== header) }
  }
  const [path, query] = splitTarget(request.target)
  const entries = query === '' ? [] : query.split('&')
  for (const entry of entries) {
    const rest = entries.filter((each) => each !== entry)
    yield { ...request, target: rest.length === 0 ? path : `${path}?${rest.join('&')}` }
  }
  if (typeof request.body !== 'string') return
  for (const body of smallerBodies(request.body)) yield { ...request, body }
}

function* smallerBodies(text: string): Generator<string> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return
  for (const key of Object.keys(body)) {
    yield JSON.stringify(Object.fromEntries(Object.entries(body).filter(([each]) => each !== key)))
  }
}

function splitTarget(target: string): readonly [path: string, query: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}
