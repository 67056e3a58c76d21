import { parseArgs } from 'node:util'

export interface Options {
  /** Under a minute: one short round. Shows that all works; its figures are not for keeps. */
  readonly quick: boolean
  /** Rewrite the generated block of docs/performance.md. */
  readonly write: boolean
  readonly rounds: number
  /** How long one workload runs on one server in one round. */
  readonly seconds: number
  /** Before each run. */
  readonly warmUpSeconds: number
  /** For each server before the first round, in all. */
  readonly firstWarmUpSeconds: number
  /** How many runs that others on the machine disturbed are done again. */
  readonly repeats: number
  /** Names of workloads and servers to run; empty for all. For work on one of them, not for figures. */
  readonly only: readonly string[]
  readonly micro: boolean
  /** Folder for CPU profiles of the servers (`node --cpu-prof`). */
  readonly profile: string | undefined
}

const usage = `npm run bench -- [--quick] [--write] [--rounds 3] [--seconds 2.5] [--only plinth,w1] [--no-micro] [--profile folder]`

export function readOptions(argv: readonly string[]): Options {
  const { values } = parse(argv)
  const quick = values.quick ?? false
  if (values.help) throw new Error(usage)
  if (quick && values.write)
    throw new Error('--quick is too short for figures that are kept: --write needs a whole run')
  if (values.only && values.write) throw new Error('--write needs all servers and workloads: leave --only out')
  return {
    quick,
    write: values.write ?? false,
    rounds: positive('rounds', values.rounds, quick ? 1 : 3),
    seconds: positive('seconds', values.seconds, quick ? 0.4 : 2.5),
    firstWarmUpSeconds: quick ? 1.5 : 20,
    warmUpSeconds: quick ? 0.2 : 0.5,
    repeats: quick ? 0 : 30,
    only: values.only?.split(',') ?? [],
    micro: values['no-micro'] !== true,
    profile: values.profile,
  }
}

function parse(argv: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...argv],
      options: {
        quick: flag,
        write: flag,
        help: flag,
        'no-micro': flag,
        rounds: text,
        seconds: text,
        only: text,
        profile: text,
      },
    })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error })
  }
}

function positive(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} ${text} is no positive number`)
}
