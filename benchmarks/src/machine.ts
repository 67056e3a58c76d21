import { cpus, release, totalmem } from 'node:os'

/** What the figures were measured on; without it they mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  readonly postgres: string
  readonly date: string
}

/** @param postgres what `show server_version` says */
export function describeMachine(postgres: string): Machine {
  const [first] = cpus()
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    postgres,
    date: new Date().toISOString().slice(0, 10),
  }
}

export function machineInWords(machine: Machine): string {
  const { cpu, cores, memoryGb, kernel, node, postgres, date } = machine
  return `${cpu}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}, Node ${node}, PostgreSQL ${postgres}, ${date}`
}
