// Runs the example in this process, from its own folder. In this process, because between `npm start` and a program that
// pnpm starts stand two shells that do not pass SIGTERM on: the server outlived npm and kept the port.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Plinth needs Node 22.18 or newer; this is ${process.version}. On Linux the installation brings its own.`,
  )
  process.exit(1)
}

process.env['ENVIRONMENT'] ||= 'development'

// npm hands SIGTERM to its shell alone. When that parent is gone, stop as if the signal had come here.
const parent = process.ppid
const watch = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(watch)
  process.kill(process.pid, 'SIGTERM')
}, 500)
watch.unref()

process.chdir(join(root, 'examples/saas'))
await import(pathToFileURL(join(root, 'examples/saas/src/main.ts')).href)
