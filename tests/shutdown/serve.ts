// A whole service as a process of its own, for tests that end it: node serve.ts <database url> <token>
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPlinth, serviceTokens, silentLogger } from '@plinth/core'
import { gracefulServer, stopOnSignals } from '@plinth/core/node'
import { postgres } from '@plinth/postgres'
import { fetchListener } from '@plinth/testing'
import { noteResource } from './tables.ts'

const [url = '', token = ''] = process.argv.slice(2)
const plinth = createPlinth({
  database: postgres(url, { max: 4 }),
  resources: [noteResource],
  features: [serviceTokens([{ name: 'acme', token, tenant: 'acme', permissions: ['*'] }])],
  rateLimits: { requests: false },
  log: silentLogger,
  observe: { checks: [{ name: 'needed', needed: true, check: () => Promise.resolve() }] },
})
const server = createServer(fetchListener(plinth.fetch))
const { stop } = gracefulServer(server, plinth, { delayMs: 400, graceMs: 5_000 })
stopOnSignals(stop)
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
