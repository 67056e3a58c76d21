import { readFileSync } from 'node:fs'

interface Lists {
  readonly queries: readonly string[]
  readonly filterValues: readonly string[]
  readonly ids: readonly string[]
  readonly contentTypes: readonly string[]
  readonly methods: readonly string[]
  readonly paths: readonly string[]
  readonly wrongValues: readonly string[]
}

const lists = JSON.parse(readFileSync(new URL('./requests.json', import.meta.url), 'utf8')) as Lists

/** Queries that no list should be asked; many are refused, none may break anything. */
export const naughtyQueries: readonly string[] = [
  ...lists.queries,
  `cursor=${'A'.repeat(4_000)}`,
  `sort=${Array.from({ length: 200 }, () => 'id').join(',')}`,
  `search=${'a'.repeat(7_000)}`,
  `id[in]=${Array.from({ length: 101 }, () => 'x').join(',')}`,
  'a=1&'.repeat(500),
]

/** Filters by value, tried on each filterable field and operator. */
export const naughtyFilterValues: readonly string[] = [...lists.filterValues, 'x'.repeat(300)]

/** What can stand where an id belongs: already escaped, as on the request line. */
export const naughtyIds: readonly string[] = [...lists.ids, 'x'.repeat(5_000)]

export type Headers = Readonly<Record<string, string>>

/** Headers that a reader of headers might choke on. */
export const naughtyHeaders: readonly Headers[] = [
  { authorization: '' },
  { authorization: ' ' },
  { authorization: 'Bearer' },
  { authorization: 'Bearer ' },
  { authorization: 'Bearer  x' },
  { authorization: 'bearer x' },
  { authorization: 'Basic YWRtaW46YWRtaW4=' },
  { authorization: 'Digest x' },
  { authorization: 'Bearer null' },
  { authorization: 'Bearer undefined' },
  { authorization: 'Bearer ..' },
  { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
  { authorization: `Bearer ${'a'.repeat(8_000)}` },
  { authorization: 'Bearer a b' },
  { authorization: 'Bearer \u00e9' },
  { authorization: 'Bearer a, Bearer b' },
  { authorization: '__proto__' },
  { authorization: 'Bearer __proto__' },
  { authorization: 'Bearer constructor' },
  { 'x-api-key': '' },
  { 'x-api-key': 'x' },
  { 'x-api-key': '__proto__' },
  { cookie: 'session_id=x' },
  { cookie: ';;;=;' },
  { cookie: 'session_id=%zz' },
]

/** Headers beside a valid credential. */
export const oddHeaders: readonly Headers[] = [
  { 'x-request-id': '' },
  { 'x-request-id': 'x' },
  { 'x-request-id': 'a'.repeat(200) },
  { 'x-request-id': '../../../x' },
  { 'x-request-id': '\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9' },
  { 'x-request-id': '{"a":1}{"a":1}' },
  { traceparent: 'x' },
  { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00` },
  { 'x-tenant-id': '' },
  { 'x-tenant-id': ' ' },
  { 'x-tenant-id': "'" },
  { 'x-tenant-id': '__proto__' },
  { 'x-tenant-id': '*' },
  { 'x-tenant-id': '\u00ff' },
  { 'x-tenant-id': 'a'.repeat(5_000) },
  { 'x-tenant-id': 'x","public' },
  { 'if-match': '' },
  { 'if-match': '*' },
  { 'if-match': '"' },
  { 'if-match': '""' },
  { 'if-match': 'W/' },
  { 'if-match': '"1"' },
  { 'if-match': '"99999999999999999999-000000"' },
  { 'if-match': '"1-000000", "2-000000"' },
  { 'if-match': '"2147483648-000000"' },
  { 'if-match': `"${'9'.repeat(5_000)}-000000"` },
  { 'if-none-match': '*' },
  { 'if-none-match': '"' },
  { 'if-none-match': ',,,' },
  { 'if-none-match': `${'"x",'.repeat(1_000)}` },
  { 'if-modified-since': 'x' },
  { 'if-unmodified-since': 'x' },
  { 'if-range': 'x' },
  { range: 'bytes=-1' },
  { range: 'bytes=0-,0-,0-' },
  { 'idempotency-key': '' },
  { 'idempotency-key': ' ' },
  { 'idempotency-key': '""' },
  { 'idempotency-key': 'a'.repeat(256) },
  { 'idempotency-key': 'a b' },
  { 'idempotency-key': '\u00e9' },
  { 'idempotency-key': '"unclosed' },
  { 'idempotency-key': "'; drop table x; --" },
  { 'idempotency-key': '__proto__' },
  { accept: '' },
  { accept: 'text/html' },
  { accept: '*/*;q=-1' },
  { accept: 'x' },
  { accept: 'application/xml' },
  { 'accept-encoding': 'gzip;q=x, br' },
  { 'accept-language': 'x'.repeat(2_000) },
  { expect: '200-ok' },
  { te: 'x' },
  { via: 'x' },
  { 'x-http-method-override': 'DELETE' },
  { host: '' },
  { host: 'evil.example' },
  { host: 'a b' },
  { host: '[::1' },
  { host: 'x'.repeat(2_000) },
  { 'x-forwarded-host': '\u00ff' },
  { 'x-forwarded-for': 'x'.repeat(2_000) },
  { forwarded: 'for="[' },
  { origin: 'null' },
  { referer: 'javascript:x' },
  { 'user-agent': '' },
  { 'content-length': '0' },
  { 'content-encoding': 'gzip' },
  { 'transfer-encoding': 'x' },
  { 'x-long': 'x'.repeat(33_000) },
  Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-many-${at}`, '1'])),
  { __proto__x: '1' },
  { constructor: 'x' },
]

/** Content types of a body that is JSON all the same. */
export const contentTypes: readonly (string | undefined)[] = [undefined, ...lists.contentTypes]

/** Methods beside ours, and some that are none. TRACE and CONNECT go over the socket: fetch refuses to make them. */
export const oddMethods: readonly string[] = [...lists.methods, 'X'.repeat(200)]

/** Paths that are none of ours, or nearly. */
export const oddPaths: readonly string[] = [...lists.paths, `/${'a/'.repeat(2_000)}`, `/${'x'.repeat(9_000)}`]

/** Values, as JSON, that are wrong for some type of column; each is tried in each field. */
export const wrongValues: readonly string[] = [...lists.wrongValues, `"${'x'.repeat(300)}"`]
