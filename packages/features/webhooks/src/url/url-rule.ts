import { isPrivateHost } from '@plinth/core'
import { webhookProblem } from '../webhook-errors.ts'
import { isListed } from './allowed-hosts.ts'

/**
 * Why webhooks may not go to an URL, in words for the person who typed it; undefined when they may. What its name resolves to is checked
 * when it is connected to (`askOutside`): it may be another address tomorrow.
 * @param listed WEBHOOKS_ALLOW_HOSTS
 */
export function faultOfUrl(text: string, listed: readonly string[]): string | undefined {
  // `URL` drops tabs and line feeds in silence, and takes a backslash for a slash; what is stored must be what is read.
  // eslint-disable-next-line no-control-regex
  if (/[\s\\\u0000-\u001f\u007f]/.test(text)) return 'Must not hold spaces, backslashes or control characters'
  const url = URL.parse(text)
  if (!url) return 'Must be a whole URL, like https://hooks.example.com/plinth'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Must begin with https://'
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(text))
    return 'Must not hold a user name or password'
  if (text.includes('#')) return 'Must end before #: that part is never sent'
  if (isListed(listed, url)) return undefined
  if (isPrivateHost(url.hostname))
    return 'Must be a public address: private, loopback and link-local ones are not sent to'
  if (url.protocol !== 'https:') return 'Must begin with https://'
  return undefined
}

/** @throws url_not_allowed */
export function refuseUrl(text: string, listed: readonly string[]): void {
  const message = faultOfUrl(text, listed)
  if (message === undefined) return
  throw webhookProblem('url_not_allowed', {
    detail: `${message}.`,
    errors: [{ path: '/url', code: 'url_not_allowed', message }],
  })
}
