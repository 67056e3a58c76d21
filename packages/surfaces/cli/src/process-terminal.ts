import { askLine } from './ask-line.ts'
import type { Terminal } from './terminal.ts'

/** The terminal of this process. The first Ctrl-C ends cleanly, the second at once. */
export function processTerminal(): Terminal {
  const stop = new AbortController()
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // `plinth routes | head`: whoever reads has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const { env, stdin, stdout, stderr } = process
  const ask = (question: string, hidden: boolean): Promise<string | undefined> =>
    askLine({ input: stdin, output: stderr, question, hidden, stop })
  return {
    cwd: process.cwd(),
    env,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isLive: stderr.isTTY,
    // https://no-color.org: any value that is not empty.
    hasColor: stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    confirm: stdin.isTTY ? async (question) => /^y(es)?$/i.test((await ask(question, false))?.trim() ?? '') : undefined,
    ask: stdin.isTTY ? (question, { hidden }) => ask(question, hidden) : undefined,
    interrupted: stop.signal,
  }
}
