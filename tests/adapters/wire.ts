import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An open connection: what was sent back so far, and how many bytes could be written. */
export interface Wire {
  readonly socket: Socket
  /** Everything that has come. */
  text(): string
  /** Resolves when this has come, or the connection has ended. */
  until(text: string): Promise<void>
  /** Resolves with whether the server ended it in order (false: it was reset). */
  readonly closed: Promise<boolean>
}

/** Connects and writes the head of a request. */
export async function openWire(port: number, head: string): Promise<Wire> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let text = ''
  let broken = false
  const waiting = new Set<() => void>()
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (const look of waiting) look()
  })
  socket.on('error', () => (broken = true))
  const closed = new Promise<boolean>((resolve) => {
    socket.on('close', () => {
      resolve(!broken)
      for (const look of waiting) look()
    })
  })
  socket.write(head)
  return {
    socket,
    text: () => text,
    closed,
    until: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!text.includes(wanted) && !socket.destroyed) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Writes as much as the other side takes, up to `most` bytes; resolves when it takes no more for `patience` milliseconds. */
export async function pour({ socket }: Wire, most: number, patience = 400, chunked = false): Promise<number> {
  const chunk = Buffer.alloc(65_536)
  let poured = 0
  while (poured < most && socket.writable) {
    const room = chunked
      ? socket.write(Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')]))
      : socket.write(chunk)
    poured += chunk.length
    if (room) continue
    const drained = await drainedWithin(socket, patience)
    if (!drained) break
  }
  return poured
}

function drainedWithin(socket: Socket, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (drained: boolean): void => {
      clearTimeout(late)
      socket.off('drain', onDrain).off('close', onClose)
      resolve(drained)
    }
    const onDrain = (): void => finish(true)
    const onClose = (): void => finish(false)
    const late = setTimeout(onClose, patience)
    socket.on('drain', onDrain).on('close', onClose)
  })
}
