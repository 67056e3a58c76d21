import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { printCurl } from './print-curl.ts'

test('names tokens instead of showing them', () => {
  const printed = printCurl(
    { method: 'GET', target: '/api/v1/crates', headers: [['authorization', 'Bearer secret']] },
    { tokens: new Map([['secret', 'TOKEN_FULL']]) },
  )
  expect(printed).toBe(
    `curl -i --path-as-is -X GET -H "authorization: Bearer $TOKEN_FULL" 'http://127.0.0.1:8000/api/v1/crates'`,
  )
})

test('what a shell makes of it is the request', async () => {
  const body = `{"name":"it's \\"quoted\\" \\u0001 $HOME \`id\`"}\n\u0007`
  const seen: { url: string | undefined; header: string | undefined; body: string }[] = []
  const server = createServer((incoming, outgoing) => {
    let text = ''
    incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    incoming.on('end', () => {
      seen.push({ url: incoming.url, header: incoming.headers['x-odd'] as string | undefined, body: text })
      outgoing.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const request = {
    method: 'POST',
    target: `/a/../b?x='%27&y=$(id)`,
    headers: [['x-odd', `it's`]] as const,
    body,
  }
  const printed = printCurl(request, { origin: `http://127.0.0.1:${port}` })
  // In a process of its own, or it would block the server.
  const { spawn } = await import('node:child_process')
  const shell = spawn('bash', ['-c', printed], { stdio: 'ignore' })
  await once(shell, 'exit')
  server.close()
  if (!hasCurl()) return
  expect(seen).toEqual([{ url: request.target, header: `it's`, body }])
})

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'])
    return true
  } catch {
    return false
  }
}
