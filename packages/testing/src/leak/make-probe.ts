import { isGuarded, type GuardedRoute, type ResourceInfo, type Route } from '@plinth/core'
import type { WireRequest } from '../http/wire.ts'
import { seededRandom } from '../random/seeded-random.ts'
import type { Knowledge } from './knowledge.ts'
import { withToken, type LeakActor } from './leak-actor.ts'
import { inputIds, makeBody, type References } from './make-body.ts'
import { makeHeaders } from './make-headers.ts'
import { makeQuery } from './make-query.ts'
import { openRequest } from './open-request.ts'
import type { Probe } from './probe.ts'
import { drafted, isResync, isRestore, neededId, resyncBody, withKey } from './template-requests.ts'
import { Words } from './words.ts'

/**
 * `calm`: nothing that could change the attacker's own rows, so that two requests can be compared to the byte although
 * others run beside them. `wild`: everything.
 */
export type Mood = 'calm' | 'wild'

/** The probe of this number: the same seed, number and knowledge give the same request. */
export function makeProbe(
  routes: readonly Route[],
  knowledge: Knowledge,
  seed: string,
  number: number,
  mood: Mood,
): Probe {
  const random = seededRandom(`${seed}/${number}`)
  const words = new Words(random, knowledge)
  const route = routeOf(routes, number, knowledge.people.length > 0 ? 3 : 10)
  const repeated =
    !isGuarded(route) || route.verb !== 'create' || mood === 'calm' || random.chance(0.8)
      ? undefined
      : victimsRequest(words, route)
  // Odd in every way at once, a request is refused for the first of them: now and then one that should succeed.
  // These need a row in a state that few have, and that others may have changed: of them there must be many.
  const share = isGuarded(route) && (isResync(route) || isRestore(route)) ? 0.7 : 0.12
  const earnest = !repeated && isGuarded(route) && mood === 'wild' && random.chance(share)
  const actor = repeated
    ? withToken(knowledge.attacker.actors.shared)
    : earnest
      ? earnestActor(words, route)
      : chooseActor(words, route)
  const request =
    repeated ??
    (!isGuarded(route)
      ? openRequest(words, route, mood)
      : earnest
        ? earnestRequest(words, route)
        : guardedRequest(words, route, mood))
  return {
    number,
    actor,
    route: `${request.method} ${route.path}`,
    pairs: words.pairs.filter(([victims]) => holdsWord(request, victims)),
    request: {
      ...request,
      headers: [...actor.credential(request.method, random), ...allowed(actor, words, request.headers)],
    },
  }
}

/** Whoever is rightly in the victim's tenant as well names only the tenants that he is let name. */
function allowed({ tenants }: LeakActor, { random }: Words, headers: WireRequest['headers']): WireRequest['headers'] {
  if (!tenants) return headers
  const others = headers.filter(([name]) => !['x-tenant-id', 'host'].includes(name))
  return others.length === headers.length ? headers : [...others, ['x-tenant-id', random.pick(tenants)]]
}

/** Words are drawn before it is settled whether they are sent. */
function holdsWord({ target, headers, body }: WireRequest, word: string): boolean {
  if (target.includes(word) || target.includes(encodeURIComponent(word))) return true
  return headers.some(([, value]) => value.includes(word)) || (typeof body === 'string' && body.includes(word))
}

/** Round the routes, so that a route of many does not wait for luck; those about no rows every tenth time, with people every third. */
function routeOf(routes: readonly Route[], number: number, every: number): Route {
  const guarded = routes.filter(isGuarded)
  const open = routes.filter((route) => !isGuarded(route))
  const publicTurn = guarded.length === 0 || (open.length > 0 && number % every === every - 1)
  return publicTurn ? open[Math.floor(number / every) % open.length]! : guarded[number % guarded.length]!
}

/** What the victim's `shared` actor sent, key and all, sent again by the same person in the other tenant. */
function victimsRequest({ random, knowledge }: Words, route: GuardedRoute): WireRequest | undefined {
  const known = knowledge.keyed.filter((each) => each.resource === route.resource)
  return known.length === 0 ? undefined : random.pick(known).request
}

function chooseActor({ random, knowledge }: Words, route: Route): LeakActor {
  const { full, shared, ...others } = knowledge.attacker.actors
  const people = knowledge.people.filter((person) => person.routes?.(route) ?? true)
  // What is about oneself asks for a session, which actors of the test platform have none of.
  if (people.length > 0 && (!isGuarded(route) || random.chance(0.85))) return random.pick(people)
  if (random.chance(0.45)) return withToken(full)
  return withToken(random.chance(0.4) ? shared : random.pick(Object.values(others)))
}

/** Who may do the most: a service with every right; where there are people, mostly the first of them. */
function earnestActor({ random, knowledge }: Words, route: Route): LeakActor {
  const first = knowledge.people.find((person) => person.routes?.(route) ?? true)
  return first && random.chance(0.7) ? first : withToken(knowledge.attacker.actors.full)
}

/** What the attacker may do, done rightly: a route that never succeeds was never tested. */
function earnestRequest(words: Words, route: GuardedRoute): WireRequest {
  const id = neededId(words, route) ?? ownOrTwin(words, route.resource)
  const target = filled(words, route).replace(':id', id)
  if (!route.body) return { method: route.method, target, headers: [] }
  const body = isResync(route) ? resyncBody(words, id) : makeBody(words, route, 'twins', 'plain')
  return { method: route.method, target, headers: [['content-type', 'application/json']], body }
}

function guardedRequest(words: Words, route: GuardedRoute, mood: Mood): WireRequest {
  const { random } = words
  const { resource } = route
  const method = otherMethod(words, route)
  const writes = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
  const hasId = route.path.includes('/:id')
  const safe = mood === 'wild' || !writes
  // Calm writes must fail by what they aim at: a row of the victim, or a reference to one.
  const byReference = !hasId || (route.body !== undefined && random.chance(0.3) && canRefer(route))
  const id = hasId
    ? safe
      ? anyId(words, resource)
      : byReference
        ? ownOrTwin(words, resource)
        : oddId(words, words.foreignId(resource))
    : ''
  const path = filled(words, route).replace(':id', id) + suffix(words, route)
  const query = random.chance(writes ? 0.06 : 0.8) ? makeQuery(words, resource, !hasId && !writes) : ''
  const references: References = safe ? random.pick(['foreign', 'twins', 'mixed']) : byReference ? 'foreign' : 'mixed'
  const body =
    !writes || !route.body
      ? undefined
      : isResync(route)
        ? resyncBody(words, id)
        : makeBody(words, route, references, !safe && byReference ? 'whole' : 'odd')
  const refused = !safe && !hasId && !canRefer(route)
  const headers = makeHeaders(words, resource, refused ? 'GET' : method)
  if (body !== undefined)
    headers.push([
      'content-type',
      route.body?.mergePatch && random.chance(0.4) ? 'application/merge-patch+json' : 'application/json',
    ])
  return {
    // A create without any reference would succeed; in a calm hour it becomes a read.
    method: refused ? 'GET' : method,
    target: alias(words, path) + (query === '' ? '' : `?${query}`),
    headers,
    ...(body === undefined || refused ? {} : { body }),
  }
}

/** The path with every parameter but the id of the row: of who is in a group, say. */
function filled(words: Words, route: GuardedRoute): string {
  return withKey(words, route).replaceAll(/:(?!id\b)\w+/g, () =>
    words.foreignKey(words.random.pick(words.knowledge.words.victim.ids)),
  )
}

/** Whether the body can point at another row: by a reference of the resource, or by an id in the input of an action. */
function canRefer(route: GuardedRoute): boolean {
  if (isResync(route)) return false
  const { fields } = drafted(route)
  if (route.verb === 'create' || route.verb === 'update')
    return fields.some((field) => field.reference && !(route.guarded && field.key === 'templateId'))
  return route.body !== undefined && inputIds(route).length > 0
}

function otherMethod({ random }: Words, route: Route): string {
  if (route.method === 'GET' && random.chance(0.05)) return 'HEAD'
  return random.chance(0.02) ? 'OPTIONS' : route.method
}

function anyId(words: Words, resource: ResourceInfo): string {
  const draw = words.random.next()
  if (draw < 0.45) return oddId(words, words.foreignId(resource))
  if (draw < 0.75) return words.twinId(resource)
  if (draw < 0.93) return words.ownId(resource)
  return words.random.chance(0.5) ? words.random.uuid() : words.nobodysId(resource)
}

function ownOrTwin(words: Words, resource: ResourceInfo): string {
  return words.random.chance(0.5) ? words.twinId(resource) : words.ownId(resource)
}

/** The id as it is, mostly; else in a form that PostgreSQL or a router might still take for it. */
function oddId(words: Words, id: string): string {
  const { random } = words
  if (random.chance(0.85)) return id
  const decoy = words.pairs.find(([victims]) => victims === id)?.[1] ?? random.uuid()
  return random.pick([
    () => words.pair(id.toUpperCase(), decoy.toUpperCase()),
    () => words.pair(id.replaceAll('-', ''), decoy.replaceAll('-', '')),
    () => `%7B${id}%7D`,
    () => `urn:uuid:${id}`,
    () => `%20${id}`,
    () => `${id}%00`,
    () => `${id}%2F..`,
    () => `${id},${id}`,
    () => `..%2F${id}`,
    () => `${id};tenant=${words.knowledge.victim.slug}`,
    () => `${id}'--`,
    () => encodeURIComponent(`${id}' or '1'='1`),
    // Other spellings of a number: a second name of the same row.
    () => `0${id}`,
    () => `%2B${id}`,
    () => `${id}.0`,
    () => `${id}e0`,
    () => encodeURIComponent(words.pair(arabic(id), arabic(decoy))),
  ])()
}

/** Digits that `\d` of some languages takes, and that some casts read. */
function arabic(id: string): string {
  return id.replace(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit)))
}

/** Below a row, where sub-resources would be; above all where nothing is declared. */
function suffix({ random }: Words, route: Route): string {
  if (random.chance(0.97)) return ''
  return random.pick([
    '/',
    '/restore',
    '/read',
    '/update',
    '/bulk',
    '/export',
    '/..',
    `/${route.method.toLowerCase()}`,
    '.json',
    '//',
  ])
}

/** `/api/…` without a version means the current one. */
function alias({ random }: Words, path: string): string {
  return random.chance(0.3) ? path.replace('/api/v1/', '/api/') : path
}
