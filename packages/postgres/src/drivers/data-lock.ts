import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DriverError } from '../errors/driver-error.ts'
import { pidSpace, processStart } from './process-start.ts'

/*
 * PGlite lets a second process open the same folder, and both then write: the database is corrupt (DEPENDENCIES.md §3).
 * Node has no flock, so this is a file that says who holds the folder, and how to see that the holder is dead.
 */

export interface DataLock {
  /** Gives the folder free. Harmless when called again. */
  release(): void
}

interface Holder {
  readonly pid: number
  /** When the process began, as the system tells it: a pid is given to another process later. */
  readonly start: string
  /** Where that pid means this process. */
  readonly space: string
  /** Tells our own file from one that took its place. */
  readonly token: string
}

export const lockName = 'plinth.lock'

/** The holder touches the file this often, for those who cannot see its process: another machine, another container. */
const beatMs = 2_000
const silentMs = 30_000
/** Between the creation of the file and its content are microseconds; after this time nobody will write it any more. */
const emptyMs = 10_000

/** What this process holds, by file. */
const held = new Map<string, DataLock>()

function releaseAll(): void {
  for (const lock of held.values()) lock.release()
}

/** Takes the folder for this process, or throws a `data_locked` that says who has it and what to do. */
export function lockDataFolder(folder: string): DataLock {
  const file = join(folder, lockName)
  const me: Holder = {
    pid: process.pid,
    start: processStart(process.pid) ?? '',
    space: pidSpace(),
    token: randomUUID(),
  }
  if (!create(file, me)) {
    removeStale(file, me)
    if (!create(file, me)) throw refused(file, readHolder(file))
  }
  const beat = setInterval(() => touch(file), beatMs).unref()
  const lock: DataLock = {
    release() {
      clearInterval(beat)
      if (held.get(file) === lock) held.delete(file)
      if (held.size === 0) process.off('exit', releaseAll)
      if (readHolder(file)?.token === me.token) rmSync(file, { force: true })
    },
  }
  if (held.size === 0) process.on('exit', releaseAll)
  held.set(file, lock)
  return lock
}

function create(file: string, holder: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Removes the file of a dead holder. Under a second lock: of two processes that both saw the dead one, the slower would
 * otherwise remove the new file of the faster.
 */
function removeStale(file: string, me: Holder): void {
  const takeover = `${file}.takeover`
  if (!create(takeover, me)) {
    if (alive(takeover)) throw refused(file, readHolder(takeover))
    // Killed within the few microseconds below.
    rmSync(takeover, { force: true })
    if (!create(takeover, me)) throw refused(file, readHolder(takeover))
  }
  try {
    if (alive(file)) throw refused(file, readHolder(file))
    rmSync(file, { force: true })
  } finally {
    rmSync(takeover, { force: true })
  }
}

function alive(file: string): boolean {
  const holder = readHolder(file)
  if (!holder) return age(file) < emptyMs
  if (holder.space !== pidSpace()) return age(file) < silentMs
  const start = processStart(holder.pid)
  // A system that does not tell when a process began: then its pid must do.
  return start !== undefined && (start === '' || holder.start === '' || start === holder.start)
}

function readHolder(file: string): Holder | undefined {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    const { pid, start, space, token } = read
    if (typeof pid !== 'number' || typeof start !== 'string') return undefined
    return typeof space === 'string' && typeof token === 'string' ? { pid, start, space, token } : undefined
  } catch {
    return undefined
  }
}

function age(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs
  } catch {
    return Infinity
  }
}

function touch(file: string): void {
  try {
    const now = new Date()
    utimesSync(file, now, now)
  } catch {
    // Removed by hand. The next to open the folder will not see us, but stopping now would not make it better.
  }
}

function refused(file: string, holder: Holder | undefined): DriverError {
  const near = holder?.space === pidSpace()
  if (held.has(file) || (near && holder?.pid === process.pid)) {
    const words = `This process has ${file} already: open the embedded database once and share the drivers, or close it first`
    return new DriverError('data_locked', words)
  }
  const who = !holder ? 'another process' : near ? `process ${holder.pid}` : `process ${holder.pid} of ${holder.space}`
  const stop = near
    ? `stop that one (kill ${holder?.pid})`
    : `stop that one, or wait ${silentMs / 1000} s after it was killed`
  const words = `The embedded database serves one process, and ${who} has it open (${file}): ${stop}, or set DATABASE_URL to a PostgreSQL server`
  return new DriverError('data_locked', words)
}
