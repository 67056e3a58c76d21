import { serve } from '@hono/node-server'
import { toHono } from '@plinth/hono'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { curvePlatform } from '../curves/curve-platform.ts'
import type { Point } from '../curves/curve.ts'
import { report, serverSetting } from './child.ts'

const { databaseUrl, variant } = serverSetting()
const plinth = curvePlatform(JSON.parse(variant) as Point, { app: databaseUrl })
const app = new Hono().route('/', toHono(plinth))
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) =>
  report(address.port, async () => {
    server.close()
    await plinth.close()
  }),
)
