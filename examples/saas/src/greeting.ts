import type { LookoutSettings } from './settings.ts'

export interface GreetingParts {
  readonly settings: Pick<LookoutSettings, 'ENVIRONMENT' | 'LOOKOUT_ALLOW_PRIVATE'>
  /** As this machine reaches the server, with the base path: `http://127.0.0.1:8000`. */
  readonly url: string
  /** Where the rows are, in words, without a password. */
  readonly database: string
  /** Where mails go, in words. */
  readonly mail: string
}

/** What a start prints: what is up, and commands that work as they stand. */
export function greeting(parts: GreetingParts): string {
  const { settings, url, database, mail } = parts
  const isDevelopment = settings.ENVIRONMENT === 'development'
  return `
Lookout is up.

  API        ${url}/api/v1
  Docs       ${url}/docs (Swagger UI), ${url}/redoc
  OpenAPI    ${url}/openapi.json
  Sign in    ${url}/login
  Database   ${database}
  Mail       ${mail}
${isDevelopment ? firstSite(parts) : signUp(parts)}
`
}

/** The accounts of development have passwords that everybody knows, so they may stand here. */
function firstSite({ settings, url }: GreetingParts): string {
  const site = settings.LOOKOUT_ALLOW_PRIVATE
    ? { name: 'Demo client', url: `${url}/demo` }
    : { name: 'Example', url: 'https://example.com' }
  return `  Accounts   admin, password admin123 · demo, password demo123 (in development alone)

Sign in and create a first site:

  TOKEN=$(curl -sS ${url}/api/v1/auth/login -H 'content-type: application/json' \\
    -d '{"username":"admin","password":"admin123"}' |
    node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).access_token')
  curl -sS ${url}/api/v1/sites -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' \\
    -d ${quoted(JSON.stringify(site))}
`
}

/** What is printed elsewhere is kept in logs: no password, and no account that somebody could guess. */
function signUp({ url }: GreetingParts): string {
  const draft = { email: 'you@example.com', password: 'at least 15 characters', organizationName: 'Your agency' }
  return `
Sign up, and found an agency:

  curl -sS ${url}/api/v1/auth/register -H 'content-type: application/json' \\
    -d ${quoted(JSON.stringify(draft))}

Make an operator, who sees all agencies and none of their rows:

  cd examples/saas && npx plinth admin:create --email you@example.com
`
}

/** One word for the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
