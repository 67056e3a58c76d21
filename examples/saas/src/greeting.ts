import type { LookoutSettings } from './settings.ts'
import type { ServiceTokensFile } from './service-tokens-file.ts'

export interface GreetingParts {
  readonly settings: Pick<LookoutSettings, 'ENVIRONMENT' | 'LOOKOUT_ALLOW_PRIVATE'>
  /** As this machine reaches the server, with the base path: `http://127.0.0.1:8000`. */
  readonly url: string
  /** Where the rows are, in words, without a password. */
  readonly database: string
  readonly tokens: ServiceTokensFile
}

/** What a start prints: what is up, and one command that works as it stands. */
export function greeting({ settings, url, database, tokens }: GreetingParts): string {
  const site = settings.LOOKOUT_ALLOW_PRIVATE
    ? { name: 'Demo client', url: `${url}/demo` }
    : { name: 'Example', url: 'https://example.com' }
  return `
Lookout is up.

  API        ${url}/api/v1
  Docs       ${url}/docs (Swagger UI), ${url}/redoc
  OpenAPI    ${url}/openapi.json
  Database   ${database}
  Tokens     ${tokens.path} (${Object.keys(tokens.tokens).join(', ')})

Create a first site:

  curl -sS -X POST ${url}/api/v1/sites \\
    -H ${authorization(settings, tokens)} \\
    -H 'content-type: application/json' \\
    -d ${quoted(JSON.stringify(site))}

`
}

/** The token itself only in development: elsewhere what is printed is kept in logs. */
function authorization(settings: GreetingParts['settings'], { path, tokens }: ServiceTokensFile): string {
  const [slug, token] = Object.entries(tokens)[0] ?? ['', '']
  if (settings.ENVIRONMENT === 'development') return quoted(`authorization: Bearer ${token}`)
  const script = `require(${JSON.stringify(path)})[${JSON.stringify(slug)}]`
  return `"authorization: Bearer $(node -p ${quoted(script)})"`
}

/** One word for the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
