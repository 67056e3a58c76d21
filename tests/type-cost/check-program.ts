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
}

const generated = join(import.meta.dirname, '.generated')

/**
 * Type-checks a program, in the folder where the workspace's packages resolve.
 * @param program texts by file name
 * @param threads `one` counts the same in every run; `all` is what a developer's `tsc` does, each thread with types of its own
 */
export async function checkProgram(program: ReadonlyMap<string, string>, threads: 'one' | 'all'): Promise<TypeCost> {
  mkdirSync(generated, { recursive: true })
  const folder = mkdtempSync(join(generated, 'program-'))
  try {
    for (const [file, text] of program) writeFileSync(join(folder, file), text)
    const config = { extends: '../../../../tsconfig.base.json', include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const args = ['-p', folder, '--extendedDiagnostics', ...(threads === 'one' ? ['--singleThreaded'] : [])]
    // The compiler's exit code says whether there were errors; its output says which.
    const { stdout } = await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), args, {
      maxBuffer: 2 ** 26,
    }).catch((failed: { readonly stdout: string }) => failed)
    const figure = (name: string): number =>
      Number(new RegExp(`^${name}: +([\\d.]+)`, 'm').exec(stdout)?.[1] ?? Number.NaN)
    return {
      errors: stdout.split('\n').filter((line) => line.includes('error TS')),
      instantiations: figure('Instantiations'),
      memoryMb: figure('Memory used') / 1024,
      seconds: figure('Total time'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
