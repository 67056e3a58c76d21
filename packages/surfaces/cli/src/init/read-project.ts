import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'

export type Framework = 'hono' | 'express' | 'fastify'
export const frameworks: readonly Framework[] = ['hono', 'express', 'fastify']

/** What the folder says about itself. */
export interface Project {
  readonly folder: string
  readonly isEmpty: boolean
  readonly framework: Framework | undefined
  /** The file that makes the server, relative to the folder. */
  readonly entry: string | undefined
  readonly entryText: string
  /** Whether the entry uses `import`. */
  readonly isModule: boolean
  /** Of the files to write. */
  readonly extension: 'ts' | 'js' | 'mjs'
  /** What relative imports end with. */
  readonly importEnd: string
  /** `src` or ``. */
  readonly sources: string
  readonly install: string
}

interface Manifest {
  readonly type?: string
  readonly main?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** @throws CliError where package.json cannot be read */
export function readProject(folder: string, wanted: Framework | undefined): Project {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'))
  const isEmpty = !names.includes('package.json') && !names.some((name) => /\.[cm]?[jt]s$/.test(name) || name === 'src')
  const manifest = isEmpty ? { type: 'module' } : readManifest(folder)
  const dependencies = { ...manifest.devDependencies, ...manifest.dependencies }
  const framework = wanted ?? (isEmpty ? 'hono' : frameworks.find((name) => name in dependencies))
  const entry = isEmpty ? undefined : findEntry(folder, manifest, framework)
  const entryText = entry === undefined ? '' : readFileSync(join(folder, entry), 'utf8')
  const hasImports = /^\s*import\s[^(]/m.test(entryText)
  const hasRequires = /\brequire\(/.test(entryText)
  const isModule = hasImports || (!hasRequires && manifest.type === 'module') || /\.m[jt]s$/.test(entry ?? '')
  const isTyped = isEmpty || /\.[cm]?ts$/.test(entry ?? '') || (entry === undefined && names.includes('tsconfig.json'))
  const extension = isTyped ? 'ts' : manifest.type === 'module' ? 'js' : 'mjs'
  return {
    folder,
    isEmpty,
    framework,
    entry,
    entryText,
    isModule,
    extension,
    importEnd: isTyped ? typedImportEnd(folder, entryText) : `.${extension}`,
    sources: !isEmpty && existsSync(join(folder, 'src')) ? 'src' : '',
    install: existsSync(join(folder, 'pnpm-lock.yaml'))
      ? 'pnpm add'
      : existsSync(join(folder, 'yarn.lock'))
        ? 'yarn add'
        : 'npm install',
  }
}

function readManifest(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  } catch (error) {
    throw new CliError(
      'project',
      `There are sources in ${folder}, but no package.json that can be read. Run it where package.json is, or \`npm init\` first.`,
      { cause: error },
    )
  }
}

const creations: Readonly<Record<Framework, RegExp>> = {
  hono: /new Hono\b/,
  express: /\bexpress\(\)/,
  fastify: /\b[fF]astify\(/,
}

/** The file that makes the application: what the scripts start, else the usual names. */
function findEntry(folder: string, manifest: Manifest, framework: Framework | undefined): string | undefined {
  const named = [manifest.scripts?.['dev'], manifest.scripts?.['start'], manifest.main].flatMap(
    (text) => text?.match(/[\w./-]+\.[cm]?[jt]sx?\b/g) ?? [],
  )
  const usual = ['src/', ''].flatMap((place) =>
    ['server', 'app', 'index', 'main'].flatMap((name) =>
      ['ts', 'mts', 'js', 'mjs', 'cjs'].map((end) => `${place}${name}.${end}`),
    ),
  )
  const present = [...named, ...usual]
    .map((file) => file.replace(/^\.\//, ''))
    .filter((file) => existsSync(join(folder, file)))
  if (framework === undefined) return present[0]
  return present.find((file) => creations[framework].test(readFileSync(join(folder, file), 'utf8')))
}

/** As the entry writes its own relative imports; where it has none, as the compiler wants them. */
function typedImportEnd(folder: string, text: string): string {
  const relative = /\bfrom\s+['"](\.{1,2}\/[^'"]+)['"]/.exec(text)?.[1]
  if (relative !== undefined) return /\.[cm]?[jt]s$/.exec(relative)?.[0] ?? ''
  const config = join(folder, 'tsconfig.json')
  if (!existsSync(config)) return '.ts'
  return /"(allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/.test(readFileSync(config, 'utf8'))
    ? '.ts'
    : '.js'
}
