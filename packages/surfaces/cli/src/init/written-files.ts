import { importLine } from './import-line.ts'
import type { Project } from './read-project.ts'

/** Versions of what Plinth stands on, as they were tested; a test compares them with the workspace. */
export const testedVersions = {
  '@electric-sql/pglite': '^0.5.14',
  '@hono/node-server': '^2.1.8',
  'drizzle-orm': '^0.45.4',
  hono: '^4.13.19',
  zod: '^4.6.7',
} as const

export const gitignoreLines: readonly string[] = ['.env', '.plinth/']

export const envExampleLines: readonly string[] = [
  '# development, test, staging or production. Unset means production, the strictest.',
  'ENVIRONMENT=development',
  '# Bearer token of a first machine, 32 characters or more: openssl rand -base64 32. Unset: nobody gets in.',
  'API_TOKEN=',
  '# PostgreSQL, as the runtime login and as the owner. Unset: a database inside the process, in .plinth.',
  '#DATABASE_URL=postgres://plinth_app:password@localhost:5432/app',
  '#DATABASE_OWNER_URL=postgres://postgres:password@localhost:5432/app',
]

/** @param token made for this machine alone; the file is never committed */
export const envFile = (token: string): string => `ENVIRONMENT=development\nAPI_TOKEN=${token}\n`

export const schemaFile = (): string => `${importLine('{ text }', 'drizzle-orm/pg-core')}
${importLine('{ resourceTable }', '@plinth/core')}

// resourceTable puts tenant, id, owner, times and version before your columns, and keeps tenants apart.
export const notes = resourceTable('notes', {
  title: text().notNull(),
  body: text(),
})
`

export const resourcesFile = ({ importEnd }: Project): string => `${importLine('{ defineResource }', '@plinth/core')}
${importLine('{ notes }', `./schema${importEnd}`)}

// Facts about the table; routes, OpenAPI, permissions and row-level security follow from them.
export const note = defineResource({
  table: notes,
  fields: {
    title: { schema: (title) => title.min(1).max(200), search: true, sort: true },
  },
})
`

export const plinthFile = ({
  importEnd,
  isEmpty,
}: Project): string => `${importLine('{ checkPlatformSettings, createPlinth, databaseUrlOf, defineSettings, loadSettings, platformSettings, serviceTokens, singleTenant }', '@plinth/core')}
${importLine('{ embedded, postgres }', '@plinth/postgres')}
${importLine('{ z }', 'zod')}
${importLine('{ note }', `./resources${importEnd}`)}

const settings = loadSettings(
  defineSettings({
    ...platformSettings,
    API_TOKEN: {
      schema: z.string().min(32).optional(),
      secret: true,
      description: 'Bearer token of a first machine. Unset: nobody gets in.',
    },
  }),
  { check: checkPlatformSettings },
)
const url = databaseUrlOf(settings)
const logins = {
  ownerUrl: settings.DATABASE_OWNER_URL,
  systemUrl: settings.DATABASE_SYSTEM_URL,
  directUrl: settings.DATABASE_DIRECT_URL,
}

export const plinth = createPlinth({
  database: url ? postgres(url, logins) : embedded(\`\${settings.DATA_DIR}/database\`),
  resources: [note],
  // One tenant for now: a second one later is a change of this line, not of the data.
  features: [
    singleTenant(),
    serviceTokens(settings.API_TOKEN ? [{ name: 'first-machine', token: settings.API_TOKEN, permissions: ['*'] }] : []),
  ],
${isEmpty ? "  notFound: 'plinth'," : "  // '/' and '/health' stay the server's own.\n  root: false,"}
})
`

export const configFile = (module: string): string => `// What the command line reads: npx plinth doctor
${['export { plinth } from', `'${module}'`].join(' ')}
`

export const serverFile = (module: string): string => `${importLine('{ createServer }', 'node:http')}
${importLine('{ getRequestListener }', '@hono/node-server')}
${importLine('{ gracefulServer, stopOnSignals }', '@plinth/core/node')}
${importLine('{ toHono }', '@plinth/hono')}
${importLine('{ Hono }', 'hono')}
${importLine('{ plinth }', module)}

const app = new Hono()
app.route('/', toHono(plinth))

const server = createServer(getRequestListener(app.fetch))
// SIGTERM and Ctrl-C: what is being answered is answered, then the database is closed.
stopOnSignals(gracefulServer(server, plinth).stop)
const port = Number(process.env['PORT'] || 8000)
server.listen(port, '127.0.0.1', () => console.log(\`http://127.0.0.1:\${port}\`))
`

/** For an empty folder only. */
export function manifestFile(name: string, dependencies: Readonly<Record<string, string>>): string {
  const { '@plinth/cli': cli = '', ...others } = dependencies
  const manifest = {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=22.18' },
    scripts: { migrate: 'plinth migrate', start: 'node server.ts' },
    dependencies: others,
    devDependencies: { '@plinth/cli': cli },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}
