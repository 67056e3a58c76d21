import type { ResourceInfo } from '@plinth/core'
import type { Header } from './leak-actor.ts'
import type { Words } from './words.ts'

/** Headers by which a careless server could be led to another tenant, beside those that it must read. */
export function makeHeaders(words: Words, resource: ResourceInfo, method: string): Header[] {
  const { random } = words
  const headers: Header[] = []
  if (random.chance(0.2)) headers.push(tenantHeader(words))
  if (random.chance(0.2)) headers.push(conditionalHeader(words, resource, method))
  if (method !== 'GET' && method !== 'HEAD' && random.chance(0.2)) headers.push(keyHeader(words, resource))
  if (random.chance(0.15)) headers.push(routingHeader(words))
  else if (words.knowledge.hostOf && random.chance(0.18))
    headers.push(['host', tenantHost(words, words.knowledge.hostOf)])
  if (random.chance(0.1)) headers.push(identityHeader(words))
  if (random.chance(0.1))
    headers.push(['x-request-id', random.pick([`req-${random.word(12)}`, 'short', `bad id ${random.word(3)}`])])
  if (random.chance(0.1))
    headers.push(
      random.pick<Header>([
        ['accept', 'text/html'],
        ['accept', 'application/json'],
        ['accept-encoding', 'identity'],
        ['range', 'bytes=0-10'],
        ['prefer', 'return=minimal'],
        ['traceparent', `00-${random.uuid().replaceAll('-', '')}-0123456789abcdef-01`],
        ['cache-control', 'only-if-cached'],
      ]),
    )
  return headers
}

function tenantHeader(words: Words): Header {
  const { random, knowledge } = words
  const { attacker, victim } = knowledge
  const foreign = (): string => words.foreignKey(victim.id)
  // As long as the real one, and no tenant's.
  const slug = (): string => words.pair(victim.slug, `no-${random.word(victim.slug.length - 3)}`)
  return [
    'x-tenant-id',
    random.pick([
      foreign,
      foreign,
      slug,
      slug,
      () => attacker.id,
      () => attacker.slug,
      () => `${attacker.id}, ${foreign()}`,
      () => `${foreign()},${attacker.id}`,
      () => words.pair(victim.id.toUpperCase(), random.uuid().toUpperCase()),
      () => `{${foreign()}}`,
      () => `${slug()}","public`,
      () => '*',
      () => "' or 1=1 --",
    ])(),
  ]
}

/** Where host names choose a tenant: the victim's, one's own, nobody's. */
function tenantHost(words: Words, hostOf: (slug: string) => string): string {
  const { random, knowledge } = words
  const { attacker, victim } = knowledge
  const foreign = words.pair(victim.slug, `no-${random.word(victim.slug.length - 3)}`)
  return hostOf(random.pick([foreign, foreign, attacker.slug, foreign.toUpperCase(), `${foreign}.${attacker.slug}`]))
}

function conditionalHeader(words: Words, resource: ResourceInfo, method: string): Header {
  const { random, knowledge } = words
  const known = knowledge.etags.filter((each) => each.resource === resource)
  const stolen = (): string => {
    if (known.length === 0) return '"1-000000"'
    const { etag } = random.pick(known)
    return words.pair(etag, etag.replace(/\d+/, String(719_900 + random.below(90))))
  }
  const name =
    method === 'GET' || method === 'HEAD' ? 'if-none-match' : random.chance(0.85) ? 'if-match' : 'if-none-match'
  return [
    name,
    random.pick([
      stolen,
      stolen,
      () => `W/${stolen()}`,
      () => `"1-000000", ${stolen()}`,
      () => '*',
      () => '"1-000000"',
      () => 'nonsense',
    ])(),
  ]
}

function keyHeader(words: Words, resource: ResourceInfo): Header {
  const { random, knowledge } = words
  const known = knowledge.keyed.filter((each) => each.resource === resource)
  if (known.length === 0 || random.chance(0.4)) return ['idempotency-key', `mine-${random.word(16)}`]
  const { key } = random.pick(known)
  return ['idempotency-key', words.pair(key, `nobody-${random.word(Math.max(4, key.length - 7))}`)]
}

function routingHeader(words: Words): Header {
  const { random, knowledge } = words
  const host = `${knowledge.victim.slug}.example.com`
  const target = `/api/v1/tenants/${knowledge.victim.id}`
  return random.pick<Header>([
    ['host', host],
    ['x-forwarded-host', host],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-prefix', `/${knowledge.victim.slug}`],
    ['forwarded', `for=127.0.0.1;host=${host}`],
    ['x-original-url', target],
    ['x-rewrite-url', target],
    ['x-http-method-override', 'DELETE'],
    ['x-method-override', 'PUT'],
    ['x-real-ip', '10.0.0.1'],
    ['origin', `https://${host}`],
    ['referer', `https://${host}/`],
  ])
}

function identityHeader(words: Words): Header {
  const { random, knowledge } = words
  const { victim } = knowledge
  const wrong = `not-a-token-${random.word(32)}`
  return random.pick<Header>([
    ['x-api-key', wrong],
    ['cookie', `session_id=${wrong}; tenant=${victim.slug}`],
    ['cookie', `__Host-session_id=${wrong}`],
    ['x-user-id', 'b2b2b2b2-7071-7000-8000-000000000000'],
    ['x-plinth-tenant', victim.id],
    ['x-tenant', victim.slug],
    ['tenant-id', victim.id],
    ['x-organization-id', victim.id],
    ['x-scope', 'all'],
    ['x-role', 'superadmin'],
    ['x-forwarded-user', 'admin'],
    ['proxy-authorization', `Bearer ${wrong}`],
  ])
}
