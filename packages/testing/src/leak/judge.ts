import type { WireReply, WireRequest } from '../http/wire.ts'
import { marksIn } from '../tenants/marks.ts'
import type { Knowledge } from './knowledge.ts'
import type { Probe } from './probe.ts'

/** What gives a leak away. */
export type FindingKind =
  /** An answer holds something of the victim's. */
  | 'foreign bytes'
  /** An answer to the victim's word differs from the answer to nobody's. */
  | 'distinguishable'
  /** A row of the victim's, or one that points at the victim's, changed, came or went. */
  | 'changed rows'
  /** A 5xx: whatever confuses the server may confuse its checks. */
  | 'server error'
  /** The attacker cannot reach his own rows: what is refused to everybody proves nothing. */
  | 'vacuous'

export interface Finding {
  readonly kind: FindingKind
  readonly words: string
  /** Undefined where no single request could be blamed. */
  readonly probe?: Probe | undefined
  readonly reply?: WireReply | undefined
}

const anyUuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/**
 * What one answer says by itself: marks of the victim in it, or a 5xx.
 * @param told what was asked before, where the answer may hold that
 */
export function judgeReply(
  request: WireRequest,
  reply: WireReply,
  knowledge: Knowledge,
  told: readonly string[] = [],
): Pick<Finding, 'kind' | 'words'> | undefined {
  if (reply.status >= 500) return { kind: 'server error', words: `${reply.status} ${reply.body.slice(0, 300)}` }
  const said = saidBy(reply, request.method)
  const ids = (said.match(anyUuid) ?? []).map((id) => id.toLowerCase()).filter((id) => knowledge.foreignIds.has(id))
  const found = [...marksIn(said), ...ids, ...knowledge.secretIds.filter((id) => said.includes(id))]
  if (found.length === 0) return undefined
  // What the attacker said himself may come back to him (a field's name in a message, his own request id).
  const asked = heardFrom(request)
  const foreign = found.filter((mark) => {
    const word = mark.toLowerCase()
    return !asked.includes(word) && !knowledge.common.has(mark) && !told.some((text) => text.includes(word))
  })
  return foreign.length === 0
    ? undefined
    : { kind: 'foreign bytes', words: `the answer holds ${[...new Set(foreign)].slice(0, 5).join(', ')}` }
}

function saidBy({ status, headers, body }: WireReply, method: string): string {
  // The length of what is said says no more than that, of HEAD what GET would say; where it is another number, somebody has written it.
  const length = String(Buffer.byteLength(body))
  return `${status}\n${Object.entries(headers)
    .filter(([name, value]) => name !== 'content-length' || (value !== length && method !== 'HEAD'))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n\n${body}${openedCursor(body)}`
}

/** A cursor holds the sort values of a row in base64. */
function openedCursor(body: string): string {
  const cursor = /"nextCursor":"([\w-]+)~/.exec(body)?.[1]
  return cursor === undefined ? '' : `\n${Buffer.from(cursor, 'base64url').toString()}`
}

/** All that a request says, in lower case. */
export function heardFrom({ target, headers, body }: WireRequest): string {
  let decoded = target
  try {
    decoded = decodeURIComponent(target.replaceAll('+', ' '))
  } catch {
    // Malformed on purpose; then it is compared as it is.
  }
  return `${target} ${decoded} ${headers.map((header) => header.join(' ')).join(' ')} ${typeof body === 'string' ? body : ''}`.toLowerCase()
}

/**
 * Whether two answers are the same to the byte, but for the request id and the date. The word that was exchanged counts as
 * the same word where an answer repeats it, and so do ids that the server made for a new row, and signatures of cursors.
 */
export function difference(probe: Probe, victims: WireReply, nobodys: WireReply): string | undefined {
  const left = comparable(probe, victims, 0)
  const right = comparable(probe, nobodys, 1)
  if (left === right) return undefined
  const at = [...left].findIndex((character, index) => character !== right[index])
  const from = Math.max(0, (at < 0 ? Math.min(left.length, right.length) : at) - 60)
  return `…${left.slice(from, from + 200)}… for the victim's word, …${right.slice(from, from + 200)}… for nobody's`
}

function comparable(probe: Probe, reply: WireReply, side: 0 | 1): string {
  const headers = Object.entries(reply.headers)
    .filter(([name]) => !volatileHeaders.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  let text = `${reply.status}\n${headers.map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${reply.body}`
  text = text.replace(/"requestId":"[^"]*"/, '"requestId":""').replace(/("nextCursor":"[\w-]+)~[^"]*/, '$1~')
  // The health report says how long it took, and each of its checks, to everybody. So its length says nothing either, not even to HEAD,
  // whose answer has no more than that.
  const unread = probe.request.method === 'HEAD' && /^[^?]*\/health/.test(probe.request.target)
  if (unread || text.includes('"response_time_ms":'))
    text = text.replaceAll(/"response_time_ms":[\d.]+/g, '"response_time_ms":0').replace(/^content-length: \d+$/m, '')
  text = text.replace(/"timestamp":"[^"]*"/, '"timestamp":""')
  // Secrets of 256 bits are made anew for each answer: the cookie before a sign-in, and the token that is bound to it.
  if (madeAnew.test(text)) text = text.replaceAll(secrets, '<secret>')
  // What a write answers may name rows that it made; the ids begin with the time, which those of the test do not.
  if (probe.request.method !== 'GET' && reply.status < 300)
    text = text.replaceAll(madeByServer, '<id>').replaceAll(shownOnce, '<once>')
  probe.pairs.forEach((pair, at) => {
    text = text.replaceAll(pair[side], `<${at}>`)
  })
  return text
}

/** A UUID of the present; a number of a counter that stands at `madeNumbers.attacker`. */
const madeByServer = /\b0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b|\b500\d{6}\b/g

const secrets = /(?<![\w-])[\w-]{43}(?![\w-])|(?<=csrf_token"(?: value=|:)")[\w.-]+/g
const madeAnew = /^set-cookie: |csrf_token/m

/** Tokens, keys and seeds that an answer shows this once. */
const shownOnce =
  /(?<="(?:access_token|refresh_token|mfa_token|ceremony|challenge|key|keyPrefix|secret|otpauthUri|qr)":)"(?:[^"\\]|\\.)*"|(?<="recoveryCodes":)\[[^\]]*\]|^content-length: \d+$/gm

const volatileHeaders = new Set(['x-request-id', 'date'])

/** Something of the same key is on its way, or too much is: it is to be asked again. */
export function isRunning(reply: WireReply): boolean {
  return (reply.status === 409 || reply.status === 429) && reply.headers['retry-after'] !== undefined
}
