import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../../../docs/performance.md', import.meta.url)
const begin = '<!-- bench:begin (written by npm run bench -- --write; do not edit) -->'
const end = '<!-- bench:end -->'

/** Puts the measured figures between the markers of docs/performance.md; the text around them stays. */
export function writeDocs(block: string): void {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/performance.md has lost its markers: ${begin} … ${end}`)
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`)
}
