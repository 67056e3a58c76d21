import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { placeOf, serveHealth } from '../worker-server.ts'

export const worker: Command = {
  name: 'worker',
  summary: 'run jobs until it is told to end',
  details: `Runs what defineJob declares, beside the processes that serve or in their place (jobs({ workers: 'apart' })). On SIGTERM or
Ctrl-C it takes nothing more, lets what runs end within its time of grace, and gives the rest back. A second one does not wait.`,
  options: {
    ...configOption,
    listen: {
      type: 'string',
      value: 'address:port',
      description: 'answer /health, /health/live, /health/ready and /metrics there; without it nothing listens',
    },
  },
  drains: true,
  async run({ terminal: { err, interrupted }, plinth, text }) {
    const listen = text('listen')
    const place = listen === undefined ? undefined : placeOf(listen)
    const platform = await plinth()
    const server = place && (await serveHealth(platform, place))
    if (server) err(`Health and metrics at ${server.origin}.\n`)
    err('Running jobs.\n')
    // Not ready from then on, while what runs has its time to end.
    interrupted.addEventListener('abort', () => void platform.drain(), { once: true })
    try {
      await platform.work(interrupted)
    } finally {
      server?.close()
    }
    err('All that was begun has ended or was given back.\n')
    return exitCodes.ok
  },
}
