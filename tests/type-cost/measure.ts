// `npm run bench:types`: what a developer's type-check costs as resources grow in number; --write puts it into the docs.
import { cpus } from 'node:os'
import { writeDocs } from '../../benchmarks/src/report/write-docs.ts'
import { markdownTable } from '../../benchmarks/src/report/table.ts'
import { checkProgram } from './check-program.ts'

const rows: string[][] = []
for (const resources of [0, 1, 50, 100, 200]) {
  await checkProgram(resources, 'all') // once for the disk
  const cost = await checkProgram(resources, 'all')
  const counted = await checkProgram(resources, 'one')
  if (cost.errors.length > 0) throw new Error(cost.errors.join('\n'))
  rows.push([
    String(resources),
    cost.seconds.toFixed(1),
    counted.seconds.toFixed(1),
    cost.memoryMb.toFixed(0),
    counted.memoryMb.toFixed(0),
    counted.instantiations.toLocaleString('en'),
  ])
  console.log(rows.at(-1)!.join('  '))
}
const head = ['resources', 's', 's, one thread', 'MB', 'MB, one thread', 'instantiations']
const report = `\`tsc\` 7 on ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}; the sources of the packages are checked with it (the row of 0).\n\n${markdownTable(head, rows)}`
console.log(`\n${report}`)
if (process.argv.includes('--write')) writeDocs('types', report)
