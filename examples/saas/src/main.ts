// `npm start`: Lookout until SIGTERM or Ctrl-C.
import { StartupError } from '@plinth/core'
import { stopOnSignals } from '@plinth/core/node'
import { StartError } from './start-error.ts'
import { startLookout } from './start.ts'

try {
  const stop = await startLookout((text) => process.stdout.write(text))
  stopOnSignals(() => {
    process.stdout.write('Stopping …\n')
    return stop()
  })
} catch (error) {
  if (!(error instanceof StartupError || error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
