import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LookoutProcess {
  /** `http://127.0.0.1:<port>`, from the greeting. */
  readonly origin: string
  readonly said: Said
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>
}

export interface Said {
  stdout: string
  stderr: string
}

const main = join(import.meta.dirname, '../main.ts')

const folders: string[] = []

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lookout-'))
  folders.push(folder)
  return folder
}

/** Where one Lookout will make its data, outside of the workspace. */
export const dataFolder = (): string => join(emptyFolder(), 'data')

/** Removes everything that was made here. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** Runs Lookout as `npm start` does, with these variables and no others, until it has greeted. Rejects when it ends before. */
export async function startProcess(env: Readonly<Record<string, string>>): Promise<LookoutProcess> {
  const { child, said, ended } = run(env)
  const origin = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      // A blank line behind the commands: all of the greeting is there.
      const found = /API +(http:\/\/[\d.]+:\d+)[^]*-d '[^]*\n\n$/.exec(said.stdout)?.[1]
      if (found !== undefined) resolve(found)
    })
    ended.then((code) => reject(new Error(`Lookout ended with ${code}\n${said.stdout}${said.stderr}`)), reject)
  })
  return {
    origin,
    said,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/** Runs Lookout where it is expected to give up by itself. */
export async function failingProcess(
  env: Readonly<Record<string, string>>,
): Promise<Said & { readonly code: number | null }> {
  const { said, ended } = run(env)
  const code = await ended
  return { ...said, code }
}

function run(env: Readonly<Record<string, string>>): {
  child: ChildProcess
  said: Said
  ended: Promise<number | null>
} {
  const said: Said = { stdout: '', stderr: '' }
  const child = spawn(process.execPath, [main], {
    cwd: emptyFolder(), // no .env of whoever runs the tests
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ENVIRONMENT: 'development',
      PORT: '0',
      NO_COLOR: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { child, said, ended }
}
