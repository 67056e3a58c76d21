import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const keysRotate: Command = {
  name: 'keys:rotate',
  summary: 'seal anew, under the first key of SECRET_KEYS, what was sealed under the others',
  details: `Run it when every process has the new key in first place. It may be run again, and while the service runs: a value is
changed only where it is still the one that was read. It changes no key and removes none.`,
  options: configOption,
  async run({ terminal, json, printJson, plinth }) {
    const resealed = await (await plinth()).reseal()
    if (json) printJson({ ok: true, resealed })
    else for (const [feature, count] of Object.entries(resealed)) terminal.out(`${feature}: ${count}\n`)
    const total = Object.values(resealed).reduce((sum, count) => sum + count, 0)
    terminal.err(
      `Sealed ${total} ${total === 1 ? 'value' : 'values'} anew. Leave the old keys for a day: stored answers are still under them.\n`,
    )
    return exitCodes.ok
  },
}
