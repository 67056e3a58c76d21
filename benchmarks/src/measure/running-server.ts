import { openSync } from 'node:fs'
import { Child } from './child-process.ts'
import type { BenchTenant, Question, Report, ServerSetting } from '../servers/messages.ts'
import type { ServerSpec } from '../servers/catalog.ts'

export interface RunningServer {
  readonly spec: ServerSpec
  readonly port: number
  usage(): Promise<Extract<Report, { kind: 'usage' }>>
  stop(): Promise<void>
}

export interface StartOptions {
  readonly spec: ServerSpec
  readonly databaseUrl: string
  readonly tenants: readonly BenchTenant[]
  /** Where its standard output goes. */
  readonly logFile: string
  readonly profile: string | undefined
}

export async function startServer({
  spec,
  databaseUrl,
  tenants,
  logFile,
  profile,
}: StartOptions): Promise<RunningServer> {
  const setting: ServerSetting = { databaseUrl, tenants, variant: spec.variant }
  const profiling =
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${spec.name}.cpuprofile`]
  const child = new Child<Question, Report>(spec.name, spec.file, {
    argument: JSON.stringify(setting),
    env: spec.env,
    stdout: openSync(logFile, 'w'),
    execArgv: profiling,
  })
  const first = await child.next()
  if (first.kind !== 'listening') throw new Error(`${spec.name} said ${first.kind} before it listened`)
  return {
    spec,
    port: first.port,
    async usage() {
      const answer = await child.ask('usage')
      if (answer.kind !== 'usage') throw new Error(`${spec.name} answered ${answer.kind}`)
      return answer
    },
    stop: () => child.stop('stop'),
  }
}
