import { problem, type Platform } from '@plinth/core'

/** Tenants whose archive is written or downloaded in this process, and whether one is being written. */
interface Taken {
  readonly tenants: Set<string>
  writing: boolean
}

const taken = new WeakMap<Platform, Taken>()

export interface ArchivePlace {
  /** The archive is written: another one may be. */
  written(): void
  /** It is downloaded, or given up. */
  leave(): void
}

/**
 * Takes the one place for writing an archive for download, and the one of this tenant. An archive that is written holds a connection of
 * the few as which people sign in and tenants are founded: three at once would lock everybody out.
 * @throws too_many_exports while the tenant's last one is not downloaded, unavailable while another one is written
 */
export function takeArchivePlace(platform: Platform, tenantId: string): ArchivePlace {
  const places = taken.get(platform) ?? { tenants: new Set<string>(), writing: false }
  taken.set(platform, places)
  if (places.tenants.has(tenantId))
    throw problem('too_many_exports', {
      detail: 'An archive of this tenant is not downloaded yet.',
      headers: { 'retry-after': '5' },
    })
  if (places.writing)
    throw problem('unavailable', { detail: 'Another archive is being written.', headers: { 'retry-after': '30' } })
  places.tenants.add(tenantId)
  places.writing = true
  let writing = true
  let held = true
  const written = (): void => {
    if (writing) places.writing = false
    writing = false
  }
  return {
    written,
    leave() {
      written()
      if (held) places.tenants.delete(tenantId)
      held = false
    },
  }
}
