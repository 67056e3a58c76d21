import { spawnSync } from 'node:child_process'

/** A process and all its descendants, parents first. Asked from `ps`, which Linux and macOS share. */
export function processTree(pid: number): number[] {
  const listed = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  if (listed.status !== 0) throw new Error(`ps answered ${listed.error?.message ?? listed.stderr}`)
  const children = new Map<number, number[]>()
  for (const line of listed.stdout.split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number)
    if (child !== undefined && parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), child])
  }
  const found = [pid]
  for (const one of found) found.push(...(children.get(one) ?? []))
  return found
}

/**
 * Sends a signal to a process and its descendants. A group would not do: each backend of PostgreSQL leads a session of its
 * own (setsid), so a signal to the group of the postmaster reaches none of them.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const one of processTree(pid)) {
    try {
      process.kill(one, signal)
    } catch (error) {
      // It ended between the listing and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
