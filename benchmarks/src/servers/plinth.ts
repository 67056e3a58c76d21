import { serve } from '@hono/node-server'
import { toHono } from '@plinth/hono'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { benchPlatform, type Variant } from '../platform/bench-platform.ts'
import { report, serverSetting } from './child.ts'

const { databaseUrl, tenants, variant } = serverSetting()
const plinth = benchPlatform({ databaseUrl, tenants, variant: variant as Variant })
const app = new Hono().route('/', toHono(plinth))
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) =>
  report(address.port, () => {
    server.close()
    // Not plinth.close(): the relay that never gets its connection would never end either.
    return Promise.resolve()
  }),
)
