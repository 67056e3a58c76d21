import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { embedded, postgres } from '@plinth/postgres'
import { createPlatform } from './platform.ts'
import { createServer } from './server.ts'

// pnpm --filter @plinth/example-existing-express start
const { DATABASE_URL, PORT = '8001', COUNTER_TOKEN, VISITOR_TOKEN } = process.env
const made = (): string => randomBytes(32).toString('base64url')
const tokens = { counter: COUNTER_TOKEN || made(), visitor: VISITOR_TOKEN || made() }

const plinth = createPlatform(DATABASE_URL ? postgres(DATABASE_URL) : embedded('.plinth/database'), tokens)
await plinth.migrate()
await plinth.foundTenant({ slug: 'spokes', name: 'Spokes' })

const server = createServer(plinth).listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  console.log(`The workshop is open at ${url}, what Plinth adds at ${url}/api/v1`)
  console.log(`  curl -H 'authorization: Bearer ${tokens.counter}' ${url}/today`)
})
const stop = (): void => {
  server.close(() => void plinth.close().then(() => process.exit(0)))
  server.closeAllConnections()
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
