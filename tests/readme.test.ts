import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const steps = [...readme.matchAll(/```sh tour\n([\s\S]*?)```/g)].map((match) => match[1]!)

let folder: string
let port: number
let server: ChildProcess
let printed = ''

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port: free } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return free
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-readme-'))
  port = await freePort()
  server = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: root,
    env: { ...process.env, ENVIRONMENT: 'development', PORT: String(port), DATA_DIR: folder, DATABASE_URL: '' },
  })
  const up = new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      printed += String(chunk)
      if (printed.includes('Lookout is up')) resolve()
    }
    server.stdout?.on('data', listen)
    server.stderr?.on('data', listen)
    server.on('exit', (code) => reject(new Error(`the example stopped with ${code}:\n${printed}`)))
  })
  await up
}, 240_000)

afterAll(async () => {
  if (server.exitCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

test('every step of the tour does what the text beside it says', async () => {
  // The steps share a shell, as they do for a reader; only the port differs.
  const marked = steps.map((step, index) => `echo "=== ${index}"\n${step}\necho`).join('\n')
  const script = marked.replaceAll('127.0.0.1:8000', `127.0.0.1:${port}`)
  writeFileSync(join(folder, 'tour.sh'), `set -eu\n${script}`)
  const shell = spawn('bash', [join(folder, 'tour.sh')], { cwd: root })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
  shell.stderr.on('data', (chunk: Buffer) => (output += String(chunk)))
  const [code] = (await once(shell, 'exit')) as [number]
  expect(code, output).toBe(0)
  const answers = output.split(/=== \d+\n/).slice(1)
  expect(answers).toHaveLength(7)
  expect(answers[1]).toMatch(/HTTP\/1.1 201[\s\S]*etag: "1-[0-9a-f]{6}"/i)
  expect(answers[1]).toContain('"name":"Bakery"')
  expect(answers[2]).toContain('"lastStatus":"up"')
  expect(answers[3]).toMatch(/\{"data":\[\{"id":"[^"]+","name":"Home","lastStatus":"up"\}\]/)
  expect(answers[3]).toContain('"code":"invalid_query"')
  expect(answers[4]).toContain('"code":"version_mismatch"')
  expect(answers[5]).toContain('{"data":[],')
  expect(answers[5]).toContain('"code":"permission_denied"')
  expect(answers[6]).toContain('"code":"not_found"')
  expect(answers[6]).toContain('{"data":[],')
}, 120_000)

test('the commands that the start prints work as they stand', async () => {
  const commands = /TOKEN=[\s\S]*?\n\n/.exec(printed)?.[0]
  expect(commands, printed).toBeDefined()
  const shell = spawn('bash', ['-euc', commands!], { cwd: root })
  let output = ''
  shell.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
  await once(shell, 'exit')
  expect(JSON.parse(output)).toMatchObject({ version: 1 })
}, 60_000)
