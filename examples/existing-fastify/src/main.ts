import { randomBytes } from 'node:crypto'
import { embedded, postgres } from '@plinth/postgres'
import { createPlatform } from './platform.ts'
import { createServer } from './server.ts'

// pnpm --filter @plinth/example-existing-fastify start
const { DATABASE_URL, PORT = '8002', DESK_TOKEN, VISITOR_TOKEN } = process.env
const made = (): string => randomBytes(32).toString('base64url')
const tokens = { desk: DESK_TOKEN || made(), visitor: VISITOR_TOKEN || made() }

const plinth = createPlatform(DATABASE_URL ? postgres(DATABASE_URL) : embedded('.plinth/database'), tokens)
await plinth.migrate()
await plinth.foundTenant({ slug: 'oak-street', name: 'Oak Street' })

const app = createServer(plinth)
const url = await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log(`The library is open at ${url}, what Plinth adds at ${url}/lending/api/v1`)
console.log(`  curl -H 'authorization: Bearer ${tokens.desk}' ${url}/overdue`)

const stop = async (): Promise<void> => {
  app.server.closeAllConnections()
  await app.close()
  await plinth.close()
  process.exit(0)
}
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())
