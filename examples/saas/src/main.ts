// `npm start`: Lookout until SIGTERM or Ctrl-C.
import { StartupError } from '@plinth/core'
import { StartError } from './start-error.ts'
import { startLookout } from './start.ts'

try {
  const stop = await startLookout((text) => process.stdout.write(text))
  stopOnSignal(stop)
} catch (error) {
  if (!(error instanceof StartupError || error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

/** The first signal ends running requests and closes the database; a second one does not wait for that. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  const onSignal = (): void => {
    if (stopping) process.exit(130)
    stopping = true
    process.stdout.write('Stopping …\n')
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
