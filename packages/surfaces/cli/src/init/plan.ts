import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { mountInto, mountLines } from './mount.ts'
import type { Project } from './read-project.ts'
import {
  configFile,
  envExampleLines,
  envFile,
  gitignoreLines,
  manifestFile,
  plinthFile,
  resourcesFile,
  schemaFile,
  serverFile,
  testedVersions,
} from './written-files.ts'

/** One change; nothing that is there is ever written over. */
export type Change =
  | { readonly kind: 'create'; readonly file: string; readonly text: string; readonly secret?: true }
  | { readonly kind: 'add'; readonly file: string; readonly lines: readonly string[]; readonly text: string }

export interface Plan {
  readonly changes: readonly Change[]
  /** Files that are there already, left as they are. */
  readonly kept: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  /** What to write by hand, where it is not clear where. */
  readonly byHand: { readonly file: string | undefined; readonly lines: readonly string[] } | undefined
}

/** What would be written. Reads only. @param version of Plinth's packages */
export function planInit(project: Project, version: string): Plan {
  const { folder, framework, extension, importEnd, sources, isEmpty } = project
  const changes: Change[] = []
  const kept: string[] = []
  const create = (file: string, text: string, secret?: true): void => {
    if (existsSync(join(folder, file))) kept.push(file)
    else changes.push({ kind: 'create', file, text, ...(secret && { secret }) })
  }
  const dependencies = dependenciesOf(project, version)
  const place = posix.join(sources, 'plinth')
  if (isEmpty) {
    create('package.json', manifestFile(packageName(folder), dependencies))
    create('server.ts', serverFile('./plinth/plinth.ts'))
  }
  create(`${place}/schema.${extension}`, schemaFile())
  create(`${place}/resources.${extension}`, resourcesFile(project))
  create(`${place}/plinth.${extension}`, plinthFile(project))
  create(`plinth.config.${extension}`, configFile(`./${place}/plinth${importEnd}`))
  create('.env', envFile(randomBytes(32).toString('base64url')), true)
  for (const [file, lines] of [
    ['.env.example', envExampleLines],
    ['.gitignore', gitignoreLines],
  ] as const) {
    const change = addLines(folder, file, lines)
    if (change) changes.push(change)
    else kept.push(file)
  }
  let byHand: Plan['byHand']
  if (framework !== undefined && !isEmpty) {
    const from = project.entry === undefined ? sources : posix.dirname(project.entry)
    const path = posix.relative(from === '.' ? '' : from, `${place}/plinth`)
    const module = `${path.startsWith('.') ? path : `./${path}`}${importEnd}`
    if (project.entryText.includes('@plinth/')) kept.push(project.entry ?? '')
    else {
      const mounted = mountInto(project.entryText, framework, module, project.isModule)
      if (project.entry !== undefined && mounted)
        changes.push({ kind: 'add', file: project.entry, lines: mounted.lines, text: mounted.text })
      else byHand = { file: project.entry, lines: mountLines(framework, module, project.isModule) }
    }
  }
  return { changes, kept, dependencies, byHand }
}

function dependenciesOf({ framework, isEmpty }: Project, version: string): Readonly<Record<string, string>> {
  const own = `^${version}`
  return {
    '@plinth/core': own,
    '@plinth/postgres': own,
    ...(framework === undefined ? {} : { [`@plinth/${framework}`]: own }),
    '@electric-sql/pglite': testedVersions['@electric-sql/pglite'],
    'drizzle-orm': testedVersions['drizzle-orm'],
    zod: testedVersions.zod,
    ...(isEmpty ? { hono: testedVersions.hono, '@hono/node-server': testedVersions['@hono/node-server'] } : {}),
    '@plinth/cli': own,
  }
}

function packageName(folder: string): string {
  return (
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'app'
  )
}

/** The lines that the file lacks, at its end; undefined where it has them all. */
function addLines(folder: string, file: string, lines: readonly string[]): Change | undefined {
  const path = join(folder, file)
  if (!existsSync(path)) return { kind: 'create', file, text: `${lines.join('\n')}\n` }
  const text = readFileSync(path, 'utf8')
  const present = text.split(/\r?\n/).map((line) => line.trim())
  // A variable counts by its name, whatever its value.
  const has = (line: string): boolean => {
    const name = /^#?([A-Z_]+)=/.exec(line)?.[1]
    return present.some((one) => (name === undefined ? one === line : new RegExp(`^#?\\s*${name}=`).test(one)))
  }
  const missing = lines.filter((line) => !has(line))
  if (!missing.some((line) => !line.startsWith('# '))) return undefined
  const gap = text === '' || text.endsWith('\n') ? '' : '\n'
  return { kind: 'add', file, lines: missing, text: `${text}${gap}${missing.join('\n')}\n` }
}

/** Folder of a file to make. */
export function folderOf(project: Project, change: Change): string {
  return dirname(join(project.folder, change.file))
}
