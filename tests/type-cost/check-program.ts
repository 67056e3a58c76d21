import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../scripts/packages.mjs'

export interface TypeCost {
  /** What the compiler complains of; nothing when all is well. */
  readonly errors: readonly string[]
  readonly instantiations: number
  readonly memoryMb: number
  readonly seconds: number
  /** Of all cores, the start of the compiler included; hardly longer where other work runs beside it. */
  readonly cpuSeconds: number
}

const generated = join(import.meta.dirname, '.generated')

/**
 * Type-checks a program, in the folder where the workspace's packages resolve.
 * @param program texts by file name
 * @param paths where packages are found instead of in the workspace
 * @param threads `one` counts the same in every run; `all` is what a developer's `tsc` does, each thread with types of its own
 */
export async function checkProgram(
  program: ReadonlyMap<string, string>,
  threads: 'one' | 'all',
  paths: Readonly<Record<string, readonly string[]>> = {},
): Promise<TypeCost> {
  mkdirSync(generated, { recursive: true })
  const folder = mkdtempSync(join(generated, 'program-'))
  try {
    for (const [file, text] of program) writeFileSync(join(folder, file), text)
    const config = { extends: '../../../../tsconfig.base.json', compilerOptions: { paths }, include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const args = ['-p', folder, '--extendedDiagnostics', ...(threads === 'one' ? ['--singleThreaded'] : [])]
    // The compiler's exit code says whether there were errors; its output says which. `times` ends with what the child took.
    const tsc = join(root, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)('sh', ['-c', '"$@"; times', 'sh', tsc, ...args], {
      maxBuffer: 2 ** 26,
    })
    const figure = (name: string): number =>
      Number(new RegExp(`^${name}: +([\\d.]+)`, 'm').exec(stdout)?.[1] ?? Number.NaN)
    return {
      errors: stdout.split('\n').filter((line) => line.includes('error TS')),
      instantiations: figure('Instantiations'),
      memoryMb: figure('Memory used') / 1024,
      seconds: figure('Total time'),
      cpuSeconds: childSeconds(stdout),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The last line of `times`: `0m4.500s 0m0.260s`, user and system. */
function childSeconds(output: string): number {
  const [line = ''] = output.trimEnd().split('\n').slice(-1)
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  )
}

/**
 * What an installed package has in place of its sources: declarations, which the compiler does not check again.
 * @returns `paths` for {@link checkProgram}
 */
export async function declarePackages(): Promise<Readonly<Record<string, readonly string[]>>> {
  const outDir = join(generated, 'declarations')
  const rootDir = join(root, 'packages/core/src')
  mkdirSync(outDir, { recursive: true })
  const compilerOptions = { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir, outDir }
  const config = { extends: '../../../../tsconfig.base.json', compilerOptions, files: [join(rootDir, 'index.ts')] }
  writeFileSync(join(outDir, 'tsconfig.json'), JSON.stringify(config))
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', outDir])
  return { '@plinth/core': [join(outDir, 'index.d.ts')] }
}
