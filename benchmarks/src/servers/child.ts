import type { Question, Report, ServerSetting } from './messages.ts'

/** The setting of this process, from its command line. */
export function serverSetting(): ServerSetting {
  const text = process.argv[2]
  if (text === undefined) throw new Error('run by the benchmark, not by hand: npm run bench')
  return JSON.parse(text) as ServerSetting
}

/** Tells the benchmark where we listen, then answers what it asks. */
export function report(port: number, stop: () => Promise<void>): void {
  send({ kind: 'listening', port })
  process.on('message', (question: Question) => {
    if (question === 'usage') {
      // All threads of this process: the event loop, the garbage collector, the compiler.
      const { user, system } = process.cpuUsage()
      send({ kind: 'usage', cpuUs: user + system, rssMb: process.memoryUsage.rss() / 2 ** 20 })
    } else void stop().then(() => process.exit(0))
  })
  // Killed benchmarks leave no servers behind.
  process.on('disconnect', () => process.exit(1))
}

function send(message: Report): void {
  process.send?.(message)
}
