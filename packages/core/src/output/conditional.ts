import { problem } from '../errors/plinth-error.ts'

/** Does `If-None-Match` name this tag? Weak comparison (RFC 9110 §13.1.2). */
export function noneMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || tagsOf(header).includes(etag)
}

/**
 * The version that `If-Match` asks for; undefined when it asks for none. Only the version part counts, so that a tag read
 * with another field mask still protects the update. `*` asks only that the row exists.
 * @throws version_mismatch for a tag that is none of ours
 */
export function matchVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  const tags = tagsOf(header)
  const version = tags.length === 1 ? /^"(\d{1,9})-[0-9a-f]{6}"$/.exec(tags[0]!)?.[1] : undefined
  if (version === undefined) throw problem('version_mismatch', { detail: 'If-Match is no ETag of this API.' })
  return Number(version)
}

function tagsOf(header: string): readonly string[] {
  return header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
}
