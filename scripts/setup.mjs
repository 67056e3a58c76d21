// Installs what the lockfile says, from a machine that has only Node and npm. Runs on the Node that is there (20 or newer),
// so it uses no dependency. Quiet when all is well; the whole output when not.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const arguments_ = ['install', '--frozen-lockfile']
// The copy in node_modules saves npx its second; the version is the one of package.json in both cases.
const local = join(root, 'node_modules/.bin/pnpm')
const fresh = !existsSync(local)
const [command, args] = fresh
  ? ['npx', ['--yes', 'pnpm@12.21.0', ...arguments_]]
  : [process.platform === 'win32' ? `${local}.cmd` : local, arguments_]

if (fresh) process.stderr.write('Installing (once, under a minute) ')
const dots = fresh ? setInterval(() => process.stderr.write('.'), 2000) : undefined
const child = spawn(command, args, { cwd: root, shell: process.platform === 'win32' })
let output = ''
child.stdout.on('data', (chunk) => (output += chunk))
child.stderr.on('data', (chunk) => (output += chunk))
child.on('error', (error) => (output += `${error}\n`))
child.on('close', (code) => {
  clearInterval(dots)
  if (fresh) process.stderr.write(code === 0 ? ' done\n' : ' failed\n')
  if (code !== 0) process.stderr.write(`${output}\nThe installation failed: ${command} ${args.join(' ')}\n`)
  process.exitCode = code ?? 1
})
