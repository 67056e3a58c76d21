import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockDataFolder, lockName } from './data-lock.ts'
import { pidSpace, processStart } from './process-start.ts'

let folder: string
let file: string
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-lock-'))
  file = join(folder, lockName)
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** A second process that takes the lock and tells what came of it; with `stay` it then waits to be killed. */
function other(then: 'stay' | 'exit' | 'release'): ChildProcess {
  const script = `
    import { lockDataFolder } from ${JSON.stringify(new URL('data-lock.ts', import.meta.url).href)}
    try {
      const lock = lockDataFolder(${JSON.stringify(folder)})
      process.stdout.write('locked\\n')
      if (${JSON.stringify(then)} === 'release') lock.release()
      if (${JSON.stringify(then)} === 'stay') setInterval(() => {}, 1000)
    } catch (error) { process.stdout.write(error.code + ' ' + error.message + '\\n') }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

function says(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.stdout?.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()))
  })
}

const ended = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once('exit', () => resolve()))

/** A lock file as another holder would have written it. */
function leave(holder: { pid: number; start: string; space?: string }, ageSeconds = 0): void {
  writeFileSync(file, JSON.stringify({ space: pidSpace(), token: 'other', ...holder }))
  const then = new Date(Date.now() - ageSeconds * 1000)
  utimesSync(file, then, then)
}

describe('two processes', () => {
  test('the second is refused, with the pid of the first and the way out', async () => {
    const first = other('stay')
    expect(await says(first)).toBe('locked')
    expect(() => lockDataFolder(folder)).toThrow(new RegExp(`process ${first.pid} .*kill ${first.pid}.*DATABASE_URL`))
    const mine = existsSync(file)
    expect(mine).toBe(true)
  })

  test('and is refused the other way round', async () => {
    const lock = lockDataFolder(folder)
    expect(await says(other('stay'))).toContain(
      `data_locked The embedded database serves one process, and process ${process.pid} `,
    )
    lock.release()
    expect(await says(other('stay'))).toBe('locked')
  })

  test('after kill -9 of the first, the second takes over', async () => {
    const first = other('stay')
    expect(await says(first)).toBe('locked')
    first.kill('SIGKILL')
    await ended(first)
    expect(existsSync(file)).toBe(true)
    const lock = lockDataFolder(folder)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
    expect(existsSync(file)).toBe(false)
  })

  test.each(['exit', 'release'] as const)('a process that ends by %s leaves nothing behind', async (then) => {
    const first = other(then)
    expect(await says(first)).toBe('locked')
    await ended(first)
    expect(existsSync(file)).toBe(false)
  })

  test('of many that find a dead holder, one gets the folder', async () => {
    const dead = other('stay')
    await says(dead)
    dead.kill('SIGKILL')
    await ended(dead)
    const answers = await Promise.all(Array.from({ length: 8 }, () => says(other('stay'))))
    expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1)
    expect(answers.filter((answer) => answer.startsWith('data_locked'))).toHaveLength(7)
  })
})

describe('one process', () => {
  test('is refused a second time, in words of its own', () => {
    const lock = lockDataFolder(folder)
    expect(() => lockDataFolder(folder)).toThrow(/^This process has .* already/)
    lock.release()
    lockDataFolder(folder).release()
  })

  test('releasing twice does not take the next one’s lock away', () => {
    const first = lockDataFolder(folder)
    first.release()
    const second = lockDataFolder(folder)
    first.release()
    expect(existsSync(file)).toBe(true)
    expect(() => lockDataFolder(folder)).toThrow(/^This process has/)
    second.release()
  })
})

describe('a file left behind', () => {
  const start = processStart(process.ppid) ?? ''

  test('by a process that is dead is taken over', () => {
    leave({ pid: 2 ** 22 + 1, start: 'then' })
    lockDataFolder(folder).release()
  })

  test('by one whose pid another process has now is taken over', () => {
    leave({ pid: process.ppid, start: `${start}0` })
    lockDataFolder(folder).release()
    leave({ pid: process.ppid, start })
    expect(() => lockDataFolder(folder)).toThrow(`process ${process.ppid}`)
  })

  test('by one that cannot be seen from here is taken over when it has been silent for long', () => {
    const space = `elsewhere ${hostname()}`
    leave({ pid: 1, start: 'then', space }, 20)
    expect(() => lockDataFolder(folder)).toThrow(`process 1 of ${space}`)
    leave({ pid: 1, start: 'then', space }, 3_600)
    lockDataFolder(folder).release()
  })

  test.each(['', '{', '[]', '{"pid":"1"}'])('that says %j is taken over when nobody is writing it', (text) => {
    writeFileSync(file, text)
    expect(() => lockDataFolder(folder)).toThrow('another process')
    utimesSync(file, new Date(0), new Date(0))
    lockDataFolder(folder).release()
  })

  test('while another takes it over is left to that one', () => {
    leave({ pid: 2 ** 22 + 1, start: 'then' })
    writeFileSync(`${file}.takeover`, JSON.stringify({ pid: process.ppid, start, space: pidSpace(), token: 'other' }))
    expect(() => lockDataFolder(folder)).toThrow(`process ${process.ppid}`)
    writeFileSync(
      `${file}.takeover`,
      JSON.stringify({ pid: 2 ** 22 + 1, start: 'then', space: pidSpace(), token: 'other' }),
    )
    lockDataFolder(folder).release()
    expect(existsSync(`${file}.takeover`)).toBe(false)
  })
})

test('a folder that is not there is not made', () => {
  expect(() => lockDataFolder(join(folder, 'nowhere'))).toThrow('ENOENT')
})
