import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { report, serverSetting } from '../servers/child.ts'
import { openBetterAuth } from './better-auth.ts'
import { CHECK } from './workloads.ts'

const { databaseUrl, variant } = serverSetting()
const { secret, cookieCache } = JSON.parse(variant) as { readonly secret: string; readonly cookieCache: boolean }
const { auth, close } = openBetterAuth({ databaseUrl, secret, cookieCache })
const app = new Hono()
app.get(CHECK, async (context) => {
  const found = await auth.api.getSession({ headers: context.req.raw.headers })
  return found ? context.json({ userId: found.user.id }) : context.json({ error: 'no session' }, 401)
})
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) =>
  report(address.port, async () => {
    server.close()
    await close()
  }),
)
