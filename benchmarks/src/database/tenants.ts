import type { BenchTenant } from '../servers/messages.ts'

/** The two that are asked for; each has `ROWS_EACH` rows. */
export const asked = ['acme', 'beta'] as const
/** Others, so that no condition on the tenant can be left to a full scan. */
export const others = 18
export const ROWS_EACH = 12_000
export const ROWS_OTHERS = 500
/** Where new rows go and rows are renamed, so that what is read stays as it is. */
export const writing = 'gamma'
export const ROWS_RENAMED = 256

export function slugs(): readonly string[] {
  return [...asked, writing, ...Array.from({ length: others }, (_, index) => `other-${index + 1}`)]
}

/** Constant, for they guard nothing. At least 32 characters, as service tokens must have. */
export function tokenOf(slug: string): string {
  return `benchmark-token-of-${slug}-`.padEnd(40, 'x')
}

/** Of further callers of a tenant. */
export function callerTokens(slug: string): readonly string[] {
  return Array.from({ length: 32 }, (_, index) => tokenOf(`${slug}-caller-${index + 1}`))
}

export function benchTenants(ids: ReadonlyMap<string, string>): readonly BenchTenant[] {
  return [...asked, writing].map((slug) => {
    const id = ids.get(slug)
    if (id === undefined) throw new Error(`tenant ${slug} was not founded`)
    return { id, slug, token: tokenOf(slug) }
  })
}
