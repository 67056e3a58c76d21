import { createHash } from 'node:crypto'
import type { Mountable } from './hosts.ts'

export interface Mirror extends Mountable {
  /** Resolves when this has happened to a request or a stream. */
  until(event: string): Promise<void>
  /** Lets what waits for it go on. */
  go(): void
  /** Chunks of 64 KiB that the endless stream was asked for. */
  pulled(): number
}

const paths = [
  'echo',
  'cookies',
  'status/:code',
  'endless',
  'slowly',
  'breaks',
  'waits',
  'ignores',
  'things/:id',
  'fails',
]

/**
 * A platform that shows what reaches it and answers in every form there is. Not Plinth: Plinth has no route that waits for ever,
 * and what it says of a request it does not repeat.
 */
export function mirror(basePath = '', notFound: 'host' | 'plinth' = 'host'): Mirror {
  const events: string[] = []
  const waiting = new Map<string, () => void>()
  const happen = (event: string): void => {
    events.push(event)
    waiting.get(event)?.()
  }
  const until = (event: string): Promise<void> =>
    new Promise((resolve) => {
      if (events.includes(event)) resolve()
      else waiting.set(event, resolve)
    })
  const whole = paths.map((path) => `${basePath}/api/v1/${path}`)
  const patterns = whole.map((path) => new RegExp(`^${path.replace(/:\w+/, '[^/]+')}$`))
  let pulls = 0
  const answers: Record<string, (request: Request, path: string) => Promise<Response> | Response> = {
    async echo(request) {
      const body = new Uint8Array(await request.arrayBuffer())
      const { method, url, headers } = request
      const sha256 = createHash('sha256').update(body).digest('hex')
      return Response.json({ method, url, headers: Object.fromEntries(headers), length: body.length, sha256 })
    },
    cookies: () => {
      const headers = new Headers({ 'cache-control': 'private, no-cache', vary: 'Cookie, origin' })
      headers.append('set-cookie', 'a=1; Path=/')
      headers.append('set-cookie', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT')
      return new Response('two', { headers })
    },
    status: (_request, path) => new Response(null, { status: Number(path.split('/').at(-1)) }),
    endless: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulls += 1
            controller.enqueue(new Uint8Array(65_536))
          },
          cancel: () => happen('cancelled'),
        }),
      ),
    slowly: () => {
      let sent = 0
      return new Response(
        new ReadableStream({
          async pull(controller) {
            if (sent === 0) await until('go')
            if (sent++ < 3) controller.enqueue(new TextEncoder().encode(`chunk ${sent}\n`))
            else controller.close()
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    },
    breaks: () => {
      let sent = 0
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (sent++ === 0) controller.enqueue(new TextEncoder().encode('half'))
            else controller.error(new Error('broken'))
          },
        }),
      )
    },
    waits: (request) =>
      new Promise<Response>((resolve) => {
        request.signal.addEventListener('abort', () => {
          happen('aborted')
          resolve(new Response('too late'))
        })
        happen('waiting')
      }),
    ignores: async (request) => {
      const reader = (request.body as ReadableStream<Uint8Array>).getReader()
      try {
        await reader.read()
        happen('reading')
        await until('go')
        for (;;) if ((await reader.read()).done) break
        happen('read')
      } catch {
        happen('upload broken')
      }
      return new Response('ok')
    },
    things: (request) => new Response(new URL(request.url).pathname),
    fails: () => Promise.reject(new Error('out of order')),
  }
  return {
    basePath,
    notFound,
    paths: whole,
    knows: (path) => patterns.some((pattern) => pattern.test(path)),
    async fetch(request) {
      const path = new URL(request.url).pathname.slice(`${basePath}/api/v1/`.length)
      const answer = answers[path.split('/')[0]!]
      return answer ? answer(request, path) : new Response('Plinth has nothing here', { status: 404 })
    },
    pulled: () => pulls,
    go: () => happen('go'),
    until,
  }
}
