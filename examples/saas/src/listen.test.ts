import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { claim, listen } from './listen.ts'
import { StartError } from './start-error.ts'

const nothing = { drain: () => Promise.resolve(), close: () => Promise.resolve() }
const answer = (): Response => new Response('here')

test('says where it is reached, answers, and stops', async () => {
  const listening = await listen(answer, { host: '127.0.0.1', port: 0 }, nothing)
  expect(listening.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await (await fetch(listening.origin)).text()).toBe('here')
  await listening.stop()
  await expect(fetch(listening.origin)).rejects.toThrow('fetch failed')
})

test('whoever listens everywhere is reached here', async () => {
  const listening = await listen(answer, { host: '0.0.0.0', port: 0 }, nothing)
  expect(listening.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  await listening.stop()
})

test('a running request ends before the server does', async () => {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  let arrived = (): void => undefined
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const listening = await listen(
    async () => {
      arrived()
      await held
      return answer()
    },
    { host: '127.0.0.1', port: 0 },
    nothing,
  )
  const running = fetch(listening.origin)
  await asked
  const stopped = listening.stop()
  await expect(fetch(listening.origin)).rejects.toThrow('fetch failed')
  release()
  expect(await (await running).text()).toBe('here')
  await stopped
})

test('a taken port is told in one line, before and while listening', async () => {
  const taken = await new Promise<Server>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
  })
  const { port } = taken.address() as AddressInfo
  const place = { host: '127.0.0.1', port }
  const line = `Port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another one: PORT=${port + 1} npm start`
  await expect(claim(place)).rejects.toThrow(new StartError(line))
  await expect(listen(answer, place, nothing)).rejects.toThrow(new StartError(line))
  await new Promise((resolve) => taken.close(resolve))
  await claim(place)
  await expect(claim({ host: '192.0.2.1', port })).rejects.toThrow('Nobody can listen on 192.0.2.1')
})
