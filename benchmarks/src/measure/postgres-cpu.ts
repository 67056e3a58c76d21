import { readdirSync, readFileSync } from 'node:fs'

/** `USER_HZ`: the unit of CPU times in /proc/<pid>/stat on every Linux that Node runs on. */
const TICK_US = 10_000

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** CPU of children that ended and were waited for, in ticks. */
  readonly endedChildren: number
}

/**
 * CPU time that a PostgreSQL server has used so far, in microseconds: postmaster, backends, background processes, also those
 * that ended. Only the difference of two readings means anything.
 *
 * A backend that ends between two readings takes its whole past out of the sum of the living; it comes back as CPU of ended
 * children of the postmaster. Leaving that out once made a server look faster than none (PERFORMANCE.md §6).
 */
export function postgresCpu(postmaster: number): number {
  let microseconds = 0
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = readStat(pid)
    if (!stat || (stat.pid !== postmaster && stat.parent !== postmaster)) continue
    microseconds += runTime(pid)
    if (stat.pid === postmaster) microseconds += stat.endedChildren * TICK_US
  }
  return microseconds
}

/** The process that started this one: a backend's is the postmaster. */
export function parentOf(pid: number): number {
  const stat = readStat(pid)
  if (!stat) throw new Error(`there is no process ${pid}: the benchmark and PostgreSQL must run on the same Linux`)
  return stat.parent
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The name stands in brackets and may hold spaces and brackets itself: fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { pid, parent: Number(fields[1]), endedChildren: Number(fields[13]) + Number(fields[14]) }
}

/** Nanosecond exact; the ticks of `stat` would be wrong by up to 10 ms per process. PostgreSQL's processes have one thread. */
function runTime(pid: number): number {
  const text = readProc(`/proc/${pid}/schedstat`)
  if (text !== undefined) return Number(text.split(' ')[0]) / 1_000
  const stat = readProc(`/proc/${pid}/stat`)
  if (stat === undefined) return 0
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It ended between the listing and the reading; or the kernel keeps no schedstat.
    return undefined
  }
}
