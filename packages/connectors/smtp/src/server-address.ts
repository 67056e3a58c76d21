/** Whether an unencrypted connection is upgraded: always or not at all; where the server offers it; never. */
export type StartTls = 'required' | 'optional' | 'never'

export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** TLS from the first byte (`smtps:`). */
  readonly secure: boolean
  readonly startTls: StartTls
  readonly login: { readonly user: string; readonly password: string } | undefined
}

const modes: readonly StartTls[] = ['required', 'optional', 'never']
const form = 'must be smtp://user:password@host:587 or smtps://user:password@host:465'

/** Reads SMTP_URL. @returns or what is wrong with it, without quoting it: it holds a password */
export function readServer(text: string): ServerAddress | string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return form
  if ((url.pathname !== '' && url.pathname !== '/') || url.hash !== '')
    return `${form}; a / or # of the password is written %2F, %23`
  const secure = url.protocol === 'smtps:'
  const host = decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'))
  const user = decoded(url.username)
  const password = decoded(url.password)
  if (host === undefined || user === undefined || password === undefined)
    return 'has an invalid %-escape; a % of the password is written %25'
  if ((user === '') !== (password === '')) return 'has a user without a password, or a password without a user'
  const startTls = readStartTls(url.searchParams, secure, isThisMachine(host))
  if (!modes.includes(startTls as StartTls)) return startTls
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    startTls: startTls as StartTls,
    login: user === '' ? undefined : { user, password },
  }
}

function readStartTls(query: URLSearchParams, secure: boolean, local: boolean): string {
  const unknown = [...query.keys()].find((name) => name !== 'starttls')
  if (unknown !== undefined || query.getAll('starttls').length > 1)
    return 'has a query other than ?starttls=required, optional or never'
  const given = query.get('starttls')
  if (given !== null && secure) return 'says starttls, which smtps:// has no use for: it is TLS from the first byte'
  if (given !== null && !modes.includes(given as StartTls)) return 'has a starttls other than required, optional, never'
  return given ?? (local ? 'optional' : 'required')
}

/** Nothing between us and it can listen or take STARTTLS out of its answer. */
function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
