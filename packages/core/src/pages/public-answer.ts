import { createHash } from 'node:crypto'
import { noneMatch } from '../output/conditional.ts'
import type { Answer, TextAnswer } from '../pipeline/answer.ts'
import type { PublicCall } from '../pipeline/call.ts'
import type { Html } from './html.ts'

/**
 * An answer that is the same for everyone: any cache may keep it, and asks again by its ETag.
 * @param answer `cache-control` among its headers replaces the default, which is to ask every time
 */
export function publicAnswer(call: Pick<PublicCall, 'headers'>, answer: TextAnswer): Answer {
  const etag = `"${createHash('sha256')
    .update(answer.body ?? '')
    .digest('base64url')
    .slice(0, 22)}"`
  const headers = { 'cache-control': 'public, no-cache', etag, ...answer.headers }
  const same = answer.status === 200 && noneMatch(call.headers['if-none-match'], etag)
  return same ? { status: 304, headers, body: null } : { ...answer, headers }
}

interface Page {
  readonly status?: number
  /** Content security policy beyond `default-src 'none'`: what the page may load, as in `style-src 'self'`. */
  readonly allow: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Html
}

/** A page for people: nothing may be loaded but what it allows, nobody may frame it, and its address is told to nobody. */
export function publicPage(call: Pick<PublicCall, 'headers'>, { status = 200, allow, headers, body }: Page): Answer {
  return publicAnswer(call, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; ${allow}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      ...headers,
    },
    body: body.text,
  })
}
