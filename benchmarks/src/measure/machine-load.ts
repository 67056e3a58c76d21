import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** CPU time of the whole machine so far, in microseconds. */
export interface MachineCpu {
  /** Of all processes and the kernel. */
  readonly busyUs: number
  /** Wanted, and given to another guest by the hypervisor. */
  readonly stolenUs: number
}

const TICK_US = 10_000

export function machineCpu(): MachineCpu {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return { busyUs: (user + nice + system + irq + softirq) * TICK_US, stolenUs: steal * TICK_US }
}

/**
 * The share of the machine that went to others while we measured: neighbours empty caches and interrupt, and the same work
 * then takes more CPU. 0 to 1.
 */
export function foreignShare(before: MachineCpu, after: MachineCpu, ownUs: number, seconds: number): number {
  const all = seconds * 1_000_000 * cpus().length
  return Math.max(0, (after.busyUs - before.busyUs - ownUs + after.stolenUs - before.stolenUs) / all)
}

/** Above this share of the machine for others a run is disturbed: it is done again where there is time, and never hidden. */
export const DISTURBED = 0.15
