import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const worker: Command = {
  name: 'worker',
  summary: 'run jobs until it is told to end',
  details: `Runs what defineJob declares, beside the processes that serve or in their place (jobs({ workers: 'apart' })). On SIGTERM or
Ctrl-C it takes nothing more, lets what runs end within its time of grace, and gives the rest back. A second one does not wait.`,
  options: configOption,
  drains: true,
  async run({ terminal, plinth }) {
    const platform = await plinth()
    terminal.err('Running jobs.\n')
    await platform.work(terminal.interrupted)
    terminal.err('All that was begun has ended or was given back.\n')
    return exitCodes.ok
  },
}
