import { postgresJsDriver } from '@plinth/postgres/driver'
import { parentOf, postgresCpu } from '../measure/postgres-cpu.ts'

/** CPU µs of this process and of PostgreSQL since it was asked for. */
export interface Cpu {
  readonly node: number
  readonly postgres: number
}

/** Begins to count; what is returned ends it. */
export async function countCpu(url: string): Promise<() => Cpu> {
  const driver = postgresJsDriver(url, {
    max: 1,
    applicationName: 'bench',
    prepare: false,
    statementTimeoutMs: 60_000,
    connectTimeoutSeconds: 10,
  })
  const [row] = await driver.query('select pg_backend_pid() as pid')
  const postmaster = parentOf(Number(row?.['pid']))
  await driver.close()
  const [own, before] = [process.cpuUsage(), postgresCpu(postmaster)]
  return () => {
    const { user, system } = process.cpuUsage(own)
    return { node: user + system, postgres: postgresCpu(postmaster) - before }
  }
}
