import { serve } from '@hono/node-server'
import { plinthGuards, toHono, type PlinthEnv } from '@plinth/hono'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { report, serverSetting } from '../servers/child.ts'
import { identityPlatform } from './identity-platform.ts'
import { CHECK } from './workloads.ts'

const { databaseUrl, variant } = serverSetting()
const { key, secretKeys } = JSON.parse(variant) as { readonly key: string; readonly secretKeys: string }
const plinth = identityPlatform({ databaseUrl, key, secretKeys })
const { requirePrincipal } = plinthGuards(plinth)
const app = new Hono<PlinthEnv>()
// A route of the host's own behind the guard: who asks and in which tenant, with his membership, roles and limits, and nothing else.
app.get(CHECK, requirePrincipal(), (context) => context.json({ userId: context.var.plinth.principal.id }))
app.route('/', toHono(plinth))
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) =>
  report(address.port, async () => {
    server.close()
    await plinth.close()
  }),
)
