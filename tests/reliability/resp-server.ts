import { createServer, type AddressInfo } from 'node:net'

export interface RespServer {
  readonly url: string
  /** What it answers to a command, in the words of the protocol. */
  answer: (command: string) => string
  close(): Promise<void>
}

/** Redis as the protocol sees it, which answers what a test wants of it. */
export async function respServer(answer: (command: string) => string): Promise<RespServer> {
  const sockets = new Set<{ destroy: () => void }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let left = ''
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      left += chunk
      for (let read = readCommand(left); read; read = readCommand(left)) {
        left = left.slice(read.length)
        socket.write(made.answer(read.name))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const made: RespServer = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return made
}

/** The first command that is there in whole: `*2`, then `$4` and a word for each. */
function readCommand(text: string): { readonly name: string; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (!head) return undefined
  let at = head[0].length
  const words: string[] = []
  for (let word = 0; word < Number(head[1]); word += 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at))
    if (!size) return undefined
    at += size[0].length
    const length = Number(size[1])
    if (text.length < at + length + 2) return undefined
    words.push(text.slice(at, at + length))
    at += length + 2
  }
  return { name: (words[0] ?? '').toUpperCase(), length: at }
}
