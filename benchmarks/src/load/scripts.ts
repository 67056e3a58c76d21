import type { Script } from './load-connection.ts'
import type { LoadPlan, PlannedRequest, PlannedRow } from './messages.ts'

/** The scripts of all connections: each begins elsewhere in the plan, or has rows of its own. */
export function scriptsOf(plan: LoadPlan, connections: number): readonly Script[] {
  if (plan.kind === 'rename') {
    return Array.from({ length: connections }, (_, own) =>
      renaming(plan.rows.filter((__, index) => index % connections === own)),
    )
  }
  const requests = plan.requests.map(printed)
  return Array.from({ length: connections }, (_, own) =>
    repeating(requests, Math.floor((own * requests.length) / connections)),
  )
}

function repeating(requests: readonly Buffer[], start: number): Script {
  let at = start
  return {
    next: () => requests[at++ % requests.length]!,
    answered: () => undefined,
  }
}

function renaming(rows: readonly PlannedRow[]): Script {
  const etags = rows.map((row) => row.etag)
  let at = 0
  let count = 0
  return {
    next() {
      at = (at + 1) % rows.length
      count += 1
      const row = rows[at]!
      const body = `{"name":"Renamed ${count}"}`
      return `PATCH ${row.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${row.token}\r\nIf-Match: ${etags[at]!}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    },
    answered(head) {
      const etag = /\r\netag: *([^\r]+)/i.exec(head)?.[1]
      if (etag !== undefined) etags[at] = etag
    },
  }
}

function printed({ method, path, token, headers = {}, body }: PlannedRequest): Buffer {
  const content =
    body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
  const shown = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  const others = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${shown}${others.join('')}${content}\r\n${body ?? ''}`,
  )
}
