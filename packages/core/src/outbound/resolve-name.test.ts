import { createSocket, type Socket } from 'node:dgram'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resolveName } from './resolve-name.ts'

/** A DNS of few names (RFC 1035): what is not among them does not exist, and to `silent` it says nothing. */
const addresses: Readonly<Record<string, readonly [kind: number, address: readonly number[]]>> = {
  'four.example': [1, [93, 184, 216, 34]],
  'six.example': [28, [0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11]],
}

let socket: Socket
let servers: readonly string[]
const asked: string[] = []
beforeAll(async () => {
  socket = createSocket('udp4', (query, from) => {
    let at = 12
    const labels: string[] = []
    while (query[at] !== 0) {
      const length = query[at]!
      labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'))
      at += length + 1
    }
    const name = labels.join('.').toLowerCase()
    asked.push(name)
    if (name === 'silent.example') return
    const kind = query.readUInt16BE(at + 1)
    const question = query.subarray(12, at + 5)
    const known = addresses[name]
    const answers = known?.[0] === kind ? known[1] : []
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length > 0 ? 1 : 0, 6)
    const record = Buffer.from([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, answers.length, ...answers])
    socket.send(Buffer.concat([header, question, ...(answers.length > 0 ? [record] : [])]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  servers = [`127.0.0.1:${socket.address().port}`]
})
afterAll(() => new Promise<void>((resolve) => socket.close(() => resolve())))

const resolve = (name: string, signal = new AbortController().signal) => resolveName(name, signal, servers)

test('a name has the addresses that the DNS says, of either kind', async () => {
  expect(await resolve('four.example')).toEqual([{ address: '93.184.216.34', family: 4 }])
  expect(await resolve('six.example')).toEqual([{ address: '2606:4700::1111', family: 6 }])
})

test('one that there is not is told from one of which nobody says anything', async () => {
  await expect(resolve('none.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  const ending = new AbortController()
  const silent = resolve('silent.example', ending.signal)
  ending.abort()
  await expect(silent).rejects.toMatchObject({ code: 'EAI_AGAIN' })
})

test('no search domain of the machine is added', async () => {
  asked.length = 0
  await resolve('inside').catch(() => undefined)
  expect(new Set(asked)).toEqual(new Set(['inside']))
})

test('thirty names that nobody answers hold up no other one', async () => {
  const ending = new AbortController()
  const silent = Promise.allSettled(Array.from({ length: 30 }, () => resolve('silent.example', ending.signal)))
  expect(await resolve('four.example')).toHaveLength(1)
  ending.abort()
  await silent
})
