import { z } from 'zod'
import { readIpRange } from '../client/ip-range.ts'

/**
 * A list, written as `a, b,c`, as a JSON array, or given as an array in code. Entries are trimmed, empty ones dropped.
 * @param item schema of one entry; texts by default
 */
export function csv<Item extends z.ZodType = z.ZodString>(item?: Item): List<Item> {
  // ZodType of ZodType: the union of all these types is as long as a page, and who reads an error of the compiler reads it.
  const entries = z.array(item ?? z.string()).readonly() as unknown as z.ZodType<unknown, unknown[]>
  const list: z.ZodType = z
    .union([z.string(), z.array(z.unknown())], { error: 'is no list; write a,b,c' })
    .transform(listOf)
    .pipe(entries)
  return list as List<Item>
}

type List<Item extends z.ZodType> = z.ZodType<readonly z.output<Item>[], string | readonly unknown[]>

function listOf(given: string | readonly unknown[], context: z.RefinementCtx): unknown[] {
  if (typeof given !== 'string') return [...given]
  if (given.trimStart().startsWith('[')) {
    try {
      const list: unknown = JSON.parse(given)
      if (Array.isArray(list)) return list
    } catch {
      // Falls through to the issue: the parser's own message quotes the text, which may hold a secret.
    }
    context.addIssue({ code: 'custom', message: 'begins like a JSON array but is none; write a,b,c or ["a","b"]' })
    return z.NEVER
  }
  return given
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

const yes = ['true', '1', 'yes']
const no = ['false', '0', 'no']

/** Yes or no: true/false/1/0/yes/no in any case, nothing else: `DEBUG=off` must not quietly mean one or the other. */
export function flag() {
  return z.union([z.boolean(), z.stringbool({ truthy: yes, falsy: no })], {
    error: `must be one of ${[...yes, ...no].join(', ')}`,
  })
}

/** A TCP port, 0 to 65535 (0: the system chooses one). Digits only: `z.coerce.number()` also takes '0x1F40', '8e3', ''. */
export function port() {
  const range = { error: 'must be a port from 0 to 65535' }
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,5}$/)
          .transform(Number),
      ],
      range,
    )
    .pipe(z.number(range).int(range).min(0, range).max(65_535, range))
}

/** One of some words, in any case: `LOG_LEVEL=INFO` of an older deployment is still `info`. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  const error = `must be one of ${words.join(', ')}`
  return z
    .string({ error })
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(words, { error }))
}

/**
 * A connection URL of PostgreSQL. Not parsed by `URL`, which refuses the lists of hosts (`h1:5432,h2:5432`) that drivers take;
 * a driver suffix (`postgresql+asyncpg://`) comes from Python and has no meaning here.
 */
export function postgresUrl() {
  return z
    .string()
    .refine((text) => !/^postgres(ql)?\+/.test(text), {
      error: "names a Python driver in its scheme: remove the '+…'",
      abort: true,
    })
    .regex(/^postgres(ql)?:\/\/[^\s]+$/, { error: 'must be a URL: postgres://user:password@host:5432/database' })
}

/** `https://app.example.com`: scheme, host and port. The path belongs into URL_PREFIX, else links would hold it twice. */
export function httpOrigin() {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const issue = originIssue(url)
    if (url && issue === undefined) return url.origin
    context.addIssue({ code: 'custom', message: issue ?? 'must be an origin: https://app.example.com' })
    return z.NEVER
  })
}

/** An origin whose pages may read answers, or `*`. */
export function corsOrigin() {
  return z.union([z.literal('*'), httpOrigin()], { error: 'must be * or an origin: https://app.example.com' })
}

function originIssue(url: URL | undefined): string | undefined {
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an origin: https://app.example.com'
  // A URL may have it; no browser sends it, and whoever writes it means a pattern.
  if (url.hostname.includes('*')) return 'must name one host, without *'
  if (url.username !== '' || url.password !== '') return 'must hold no user or password'
  if (url.pathname !== '/') return 'must have no path; the path is URL_PREFIX'
  if (url.search !== '' || url.hash !== '') return 'must have no query and no fragment'
  return undefined
}

/**
 * The path under which a reverse proxy shows the service: empty, or `/a/b`. One spelling only, because the text is compared
 * with the beginning of request paths: no trailing slash, no empty, `.` or `..` segment, nothing that needs an escape.
 */
export function urlPrefix() {
  return z.string().superRefine((text, context) => {
    if (text === '') return
    const problem = !text.startsWith('/')
      ? 'must start with /'
      : text === '/'
        ? 'must be empty where there is no prefix, not /'
        : text.endsWith('/')
          ? 'must not end with /'
          : !/^(\/[A-Za-z0-9._~-]+)+$/.test(text)
            ? 'may hold letters, digits, . _ ~ - and single slashes'
            : /\/\.{1,2}(\/|$)/.test(text)
              ? 'must not hold . or .. as a segment'
              : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

/** The address a server listens on: an IP address or a host name, without scheme, port or path. */
export function listenAddress() {
  return z.string().regex(/^([A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?)$/, {
    error: 'must be an address without scheme and port: 127.0.0.1, 0.0.0.0, ::, localhost',
  })
}

/** An IP address or a CIDR range. Not `/0`: it would name everybody, and whoever trusts everybody can be told any address. */
export function ipRange() {
  return z.string().superRefine((text, context) => {
    const range = readIpRange(text)
    const problem =
      typeof range === 'string'
        ? range
        : range.prefix === 0
          ? 'names every address there is: name the proxies'
          : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

/**
 * A host that requests to the outside may go to, with a port or without one: `hooks.intra.example`, `localhost:9000`, `[::1]`. Printed as
 * `URL` prints it, with a port where one was given, the usual one too.
 */
export function outboundHost() {
  return z.string().transform((text, context): string => {
    const [, host = '', port] = /^(\[[\da-f:.]+\]|[\p{L}\p{N}._-]+)(?::(\d{1,5}))?$/iu.exec(text) ?? []
    const url = URL.parse(`http://${host}${port === undefined ? '' : `:${port}`}`)
    if (host !== '' && url) return port === undefined ? url.hostname : `${url.hostname}:${Number(port)}`
    context.addIssue({ code: 'custom', message: `'${text}' is no host; write hooks.example.com or localhost:9000` })
    return z.NEVER
  })
}
