// `npm run bench:types`: what a developer's type-check costs as resources grow in number; --write puts it into the docs.
import { cpus } from 'node:os'
import { writeDocs } from '../../benchmarks/src/report/write-docs.ts'
import { markdownTable } from '../../benchmarks/src/report/table.ts'
import { checkProgram, declarePackages, type TypeCost } from './check-program.ts'
import { generatePlainProgram, generateProgram } from './generate.ts'

type Program = ReadonlyMap<string, string>
type Paths = Awaited<ReturnType<typeof declarePackages>>

/** Of three runs, since whatever else runs on the machine only ever adds. */
async function fastest(program: Program, threads: 'one' | 'all', paths: Paths): Promise<TypeCost> {
  const runs = [
    await checkProgram(program, threads, paths),
    await checkProgram(program, threads, paths),
    await checkProgram(program, threads, paths),
  ]
  return runs.toSorted((a, b) => a.cpuSeconds - b.cpuSeconds)[0]!
}

const declared = await declarePackages()
const programs: readonly (readonly [string, Program, Paths])[] = [
  ...[0, 1, 50, 100, 200].map((count) => [String(count), generateProgram(count), {}] as const),
  ['200, packages installed', generateProgram(200), declared],
  ['200, without Plinth', generatePlainProgram(200), {}],
]
const rows: string[][] = []
for (const [name, program, paths] of programs) {
  const cost = await fastest(program, 'all', paths)
  const counted = await fastest(program, 'one', paths)
  if (cost.errors.length > 0) throw new Error(cost.errors.join('\n'))
  rows.push([
    name,
    cost.cpuSeconds.toFixed(1),
    counted.cpuSeconds.toFixed(1),
    cost.memoryMb.toFixed(0),
    counted.memoryMb.toFixed(0),
    counted.instantiations.toLocaleString('en'),
  ])
  console.log(rows.at(-1)!.join('  '))
}
const head = ['resources', 'CPU s', 'CPU s, one thread', 'MB', 'MB, one thread', 'instantiations']
const report = `\`tsc\` 7 on ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}; the sources of the packages are checked with it (the row of 0), but for the row where they are installed and have declarations. The fastest of three runs.\n\n${markdownTable(head, rows)}`
console.log(`\n${report}`)
if (process.argv.includes('--write')) writeDocs('types', report)
