// A platform as a process of its own: node server.ts <database url> <token> <on|off>. Tells its port by a message.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { toHono } from '@plinth/hono'
import { openOverloaded } from './platform.ts'

const [url = '', token = '', shedding = 'on'] = process.argv.slice(2)
const plinth = openOverloaded(url, token, shedding === 'on' ? {} : { inFlight: 1_000_000, congestion: 1_000_000 })
const listener = getRequestListener(toHono(plinth).fetch)
const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
server.listen(0, '127.0.0.1', 4_096, () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
