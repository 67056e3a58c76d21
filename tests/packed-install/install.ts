import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/packages.mjs'

type Json = Readonly<Record<string, unknown>>

/** What a user installs beside the packages, in the versions that this repository was tested with. */
const frameworks = ['hono', '@hono/node-server', 'express', '@types/express', 'fastify']
const besides = ['drizzle-orm', 'zod', 'typescript', '@types/node', ...frameworks]

/** Files by name, from the blocks of code, in which each begins with a line `// name.ts`. */
export function userFiles(): Readonly<Record<string, string>> {
  const text = readFileSync(join(import.meta.dirname, 'what-a-user-writes.md'), 'utf8')
  const code = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block]) => block).join('')
  const parts = code.split(/^(?=\/\/ \w+\.ts\b)/m)
  return Object.fromEntries(parts.map((part) => [/^\/\/ (\w+\.ts)/.exec(part)?.[1] ?? 'unnamed', part]))
}

/** An empty project with the tarballs: no workspace, no link, nothing but what npm brings. */
export async function installInto(folder: string, tarballs: Readonly<Record<string, string>>): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const dependencies = {
    ...Object.fromEntries(besides.map((name) => [name, versionHere(name)])),
    ...Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`])),
  }
  write(folder, 'package.json', { name: 'a-user', private: true, type: 'module', dependencies })
  write(folder, 'tsconfig.json', {
    // skipLibCheck because of drizzle-orm, whose declarations for other databases need those databases' clients.
    compilerOptions: {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      outDir: 'dist',
      skipLibCheck: true,
    },
    files: Object.keys(userFiles()),
  })
  for (const [name, code] of Object.entries(userFiles())) writeFileSync(join(folder, name), code)
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], folder)
}

/** Runs a program and rejects with what it said when it fails. */
export async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, said } = await outcome(program, args, cwd)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${said.slice(0, 10_000)}`)
}

/** The program `plinth` as npm linked it, with these variables and no others: what it wrote on either stream. */
export async function runPlinth(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly said: string }> {
  return outcome(join(folder, 'node_modules/.bin/plinth'), args, folder, { PATH: process.env['PATH'], ...env })
}

/** Faults in the declarations of our own packages: `skipLibCheck` would hide them, and what is broken becomes `any`. */
export async function declarationFaults(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const imports = names.map((name, index) => `export * as p${index} from '${name}'\n`)
  writeFileSync(join(folder, 'everything.ts'), imports.join(''))
  const config = {
    extends: './tsconfig.json',
    compilerOptions: { skipLibCheck: false, noEmit: true },
    files: ['everything.ts'],
  }
  write(folder, 'tsconfig.declarations.json', config)
  const tsc = join(folder, 'node_modules/.bin/tsc')
  const { said } = await outcome(tsc, ['-p', 'tsconfig.declarations.json', '--pretty', 'false'], folder)
  const faults = said.split('\n').filter((line) => line.includes(': error '))
  // Some are drizzle-orm's; a run without any has not looked.
  if (!faults.some((line) => line.startsWith('node_modules/drizzle-orm/')))
    throw new Error(`tsc checked no declarations\n${said}`)
  return faults.filter((line) => !line.startsWith('node_modules/drizzle-orm/'))
}

function outcome(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
  })
}

export interface Server {
  readonly origin: string
  /** SIGTERM, until it is gone. */
  stop(): Promise<void>
}

/** Runs a compiled program with these variables and no others, until it says where it listens. */
export async function serve(folder: string, program: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [`dist/${program}.js`], {
    cwd: folder,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let said = ''
  const port = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      said += String(chunk)
      const found = /^listening on (\d+)$/m.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`the program ended with ${code}\n${said}`)))
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await closed
    },
  }
}

function versionHere(name: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as Json
  return String(manifest['version'])
}

function write(folder: string, name: string, content: Json): void {
  writeFileSync(join(folder, name), JSON.stringify(content, null, 2))
}
