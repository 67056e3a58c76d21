import { isPrivateHost } from '@plinth/core'
import type { z } from 'zod'

/** Longer ones are nobody's home page, and some servers cut them. */
const LONGEST_URL = 2_000

/** Why an URL cannot be watched, in words for the person who typed it; undefined when it can. */
export function faultOfSiteUrl(text: string, allowPrivate: boolean): string | undefined {
  // `URL` drops tabs and line feeds in silence; what is stored must be what is read.
  if (/[\s\\]/.test(text)) return 'Must not hold spaces or backslashes'
  const url = URL.parse(text)
  if (!url) return 'Must be a whole URL, like https://client.example'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Must begin with https:// or http://'
  if (url.username !== '' || url.password !== '') return 'Must not hold a user name or password'
  if (text.includes('?') || text.includes('#')) return 'Must end before ? and #: the path of a monitor is put behind it'
  if (!allowPrivate && isPrivateHost(url.hostname))
    return 'Must be a public address: private, loopback and link-local ones are not watched'
  return undefined
}

/** The rule of a site's `url`. @param allowPrivate LOOKOUT_ALLOW_PRIVATE */
export function siteUrl(allowPrivate: boolean): (url: z.ZodString) => z.ZodString {
  return (url) =>
    url
      .max(LONGEST_URL)
      .check((context) => {
        const fault = faultOfSiteUrl(context.value, allowPrivate)
        if (fault !== undefined) context.issues.push({ code: 'custom', input: context.value, message: fault })
      })
      .meta({ format: 'uri' })
}

/** The rule of a monitor's `path`: it stays on the site's own host, whatever it holds. */
export function monitorPath(path: z.ZodString): z.ZodString {
  return path.max(LONGEST_URL).regex(/^\/[\x21-\x7e]*$/, 'Must begin with / and hold no spaces (write %20)')
}

/** The page that a monitor watches: `https://client.example/shop` and `/cart?x=1` make `https://client.example/shop/cart?x=1`. */
export function watchedUrl(siteUrl: string, path: string): URL {
  return new URL(siteUrl.replace(/\/+$/, '') + path)
}
