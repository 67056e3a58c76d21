import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * When the process with this pid began, in whatever form the system tells it, comparable only with itself; undefined when
 * there is no such process, '' when the system does not tell.
 */
export function processStart(pid: number): string | undefined {
  if (!exists(pid)) return undefined
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return fromPs(pid)
  // The name, in parentheses, may hold spaces and parentheses. After it: the state is field 3, the start field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Killed, and its parent has not looked yet: it holds nothing any more.
  if (fields[0] === 'Z') return undefined
  // The start is counted from that of the machine.
  return `${readIfThere('/proc/sys/kernel/random/boot_id')?.trim()}:${fields[19]}`
}

/** Where a pid means the same process: the machine, and in it the namespace of a container. */
export function pidSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function fromPs(pid: number): string {
  const asked = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return asked.status === 0 ? asked.stdout.trim() : ''
}
