import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../scripts/packages.mjs'

/** The example product as `npm start` runs it, on an embedded database of its own. */
export interface StartedLookout {
  readonly port: number
  /** Its data, and what it has printed, as the file `printed`. */
  readonly folder: string
  readonly printed: () => string
  readonly stop: () => Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port: free } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return free
}

export async function startLookout(): Promise<StartedLookout> {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-lookout-'))
  const port = await freePort()
  let printed = ''
  const server = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: root,
    env: {
      ...process.env,
      ENVIRONMENT: 'development',
      PORT: String(port),
      DATA_DIR: folder,
      DATABASE_URL: '',
      SMTP_URL: '',
      LOG_LEVEL: 'error',
    },
  })
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      printed += String(chunk)
      writeFileSync(join(folder, 'printed'), printed)
      if (printed.includes('Lookout is up')) resolve()
    }
    server.stdout.on('data', listen)
    server.stderr.on('data', listen)
    server.on('exit', (code) => reject(new Error(`the example stopped with ${code}:\n${printed}`)))
  })
  return {
    port,
    folder,
    printed: () => printed,
    async stop() {
      if (server.exitCode === null) {
        server.kill('SIGTERM')
        await once(server, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The blocks of a page marked with this word: ```sh tour. */
export function stepsOf(page: string, mark: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`sh ${mark}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!)
}

/** Runs steps in one shell, as a reader does; only the port differs. @returns what each of them printed */
export async function runSteps(lookout: StartedLookout, steps: readonly string[]): Promise<readonly string[]> {
  const marked = steps.map((step, index) => `echo "=== ${index}"\n${step}\necho`).join('\n')
  const file = join(lookout.folder, 'steps.sh')
  writeFileSync(file, `set -eu\n${marked.replaceAll('127.0.0.1:8000', `127.0.0.1:${lookout.port}`)}`)
  const shell = spawn('bash', [file], {
    cwd: root,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
  shell.stderr.on('data', (chunk: Buffer) => (output += String(chunk)))
  const [code] = (await once(shell, 'close')) as [number]
  if (code !== 0) throw new Error(`the shell ended with ${code}:\n${output}`)
  return output.split(/=== \d+\n/).slice(1)
}
