import type { Registry } from '@plinth/core'
import type { Isolation } from '../isolation/tenant-schema.ts'
import { entriesGone } from './acl-entries.ts'
import { tableOf, TextCache, type Printing } from './printing.ts'
import type { Records } from './records.ts'

/** How the statements of one attached database are printed. */
export function printingOf(registry: Registry, isolation: Isolation, records: Records, withFacts: boolean): Printing {
  return {
    records,
    events: registry.events,
    withFacts,
    texts: new TextCache(registry.resources.length),
    tableOf: tableOf(isolation),
    entriesGone: registry.acl ? entriesGone(registry.permissions) : () => '',
  }
}
