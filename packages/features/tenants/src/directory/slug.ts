import { randomBytes } from 'node:crypto'
import { foundWithin, type FoundTenant, type Platform, type SystemTransaction } from '@plinth/core'

/** Host names that mean something else, and words that a link would be mistaken by. */
const reserved = new Set(
  'admin api app assets auth billing blog cdn dashboard demo docs email ftp help login mail mx ns register root security smtp static status support test www'.split(
    ' ',
  ),
)

const LONGEST = 40

/**
 * A slug in the likeness of a name: `Café Olé GmbH` → `cafe-ole-gmbh`. Letters that have no likeness in a host name are left out;
 * where none is left it is `team`.
 */
export function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll('ß', 'ss')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST)
    .replaceAll(/^-+|-+$/g, '')
  if (plain === '') return 'team'
  // The form of an id is no slug: it would be taken for that tenant's.
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(plain) ? `team-${plain}` : plain
}

export function isReserved(slug: string): boolean {
  return reserved.has(slug)
}

/**
 * Founds a tenant under the first free slug. The name alone, then with a number, then with something random: of a thousand tenants
 * called `team` the last one must not try a thousand slugs.
 */
export async function foundUnderFreeSlug(
  platform: Platform,
  system: SystemTransaction,
  draft: { readonly name: string; readonly founder: string },
): Promise<FoundTenant> {
  const slug = slugOf(draft.name)
  const candidates = [...(isReserved(slug) ? [] : [slug]), `${slug}-2`, `${slug}-3`]
  for (const candidate of candidates) {
    const found = await foundWithin(platform, system, { ...draft, slug: candidate })
    if (found.founded) return found
  }
  for (;;) {
    const found = await foundWithin(platform, system, { ...draft, slug: `${slug}-${randomBytes(4).toString('hex')}` })
    if (found.founded) return found
  }
}
