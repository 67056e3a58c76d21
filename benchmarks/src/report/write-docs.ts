import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../../../docs/performance.md', import.meta.url)

/** The blocks of docs/performance.md that a command writes, and the command. */
const commands = {
  bench: 'npm run bench -- --write',
  curves: 'npm run bench:curves -- --write',
  isolation: 'npm run bench:curves -- --isolation --write',
  adapters: 'npm run bench:adapters -- --write',
  identity: 'npm run bench:identity -- --write',
  access: 'npm run bench:access -- --write',
  audit: 'npm run bench:audit -- --write',
  jobs: 'npm run bench:jobs -- --write',
  types: 'npm run bench:types -- --write',
} as const

/** Puts the measured figures between the markers of docs/performance.md; the text around them stays. */
export function writeDocs(name: keyof typeof commands, block: string): void {
  const begin = `<!-- ${name}:begin (written by ${commands[name]}; do not edit) -->`
  const end = `<!-- ${name}:end -->`
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/performance.md has lost its markers: ${begin} … ${end}`)
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`)
}
