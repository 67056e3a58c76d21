// `npm run bench:types`: what a developer's type-check costs as resources grow in number; --write puts it into the docs.
import { cpus } from 'node:os'
import { writeDocs } from '../../benchmarks/src/report/write-docs.ts'
import { markdownTable } from '../../benchmarks/src/report/table.ts'
import { checkProgram, type TypeCost } from './check-program.ts'
import { generatePlainProgram, generateProgram } from './generate.ts'

/** Of three runs, since the first one also reads the disk and whatever else runs on the machine only ever adds. */
async function fastest(program: ReadonlyMap<string, string>, threads: 'one' | 'all'): Promise<TypeCost> {
  const runs = [
    await checkProgram(program, threads),
    await checkProgram(program, threads),
    await checkProgram(program, threads),
  ]
  return runs.toSorted((a, b) => a.seconds - b.seconds)[0]!
}

const rows: string[][] = []
const programs = [0, 1, 50, 100, 200].map((count) => [String(count), generateProgram(count)] as const)
for (const [name, program] of [...programs, ['200 without Plinth', generatePlainProgram(200)] as const]) {
  const cost = await fastest(program, 'all')
  const counted = await fastest(program, 'one')
  if (cost.errors.length > 0) throw new Error(cost.errors.join('\n'))
  rows.push([
    name,
    cost.seconds.toFixed(1),
    counted.seconds.toFixed(1),
    cost.memoryMb.toFixed(0),
    counted.memoryMb.toFixed(0),
    counted.instantiations.toLocaleString('en'),
  ])
  console.log(rows.at(-1)!.join('  '))
}
const head = ['resources', 's', 's, one thread', 'MB', 'MB, one thread', 'instantiations']
const report = `\`tsc\` 7 on ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}; the sources of the packages are checked with it (the row of 0). The fastest of three runs.\n\n${markdownTable(head, rows)}`
console.log(`\n${report}`)
if (process.argv.includes('--write')) writeDocs('types', report)
