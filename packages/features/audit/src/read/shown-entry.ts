import type { RawRow, Secrets, StatementRunner } from '@plinth/core'
import { z } from 'zod'
import type { ChainedEntry } from '../entry/chained-entry.ts'
import { keyIdOf, openPart, type PartKey } from '../seal/part-key.ts'
import { keysById } from '../seal/subject-keys.ts'
import { entryOf } from '../verify/read-chain.ts'

type Facts = Omit<ChainedEntry, 'tenantId' | 'mac' | 'changes' | 'detail' | 'origin' | 'personal'>

/** An entry as its readers see it. */
export interface ShownEntry extends Facts {
  readonly changes: unknown
  readonly detail: unknown
  /** Null where nobody told it, or where it was erased. */
  readonly address: string | null
  readonly userAgent: string | null
  /** Personal fields, `{ "email": [before, after] }`; null where there are none, or where they were erased. */
  readonly personal: unknown
  /** Whether something personal of it was erased. */
  readonly erased: boolean
}

export const shownSchema = z
  .object({
    id: z.string(),
    seq: z.int().describe('Its number in the chain of the tenant, without a gap'),
    occurredAt: z.string(),
    actorKind: z.enum(['user', 'service', 'apiKey', 'system', 'anonymous']),
    actorId: z.string(),
    onBehalfOf: z.string().nullable().describe('The user behind a key'),
    action: z.string(),
    targetType: z.string(),
    targetId: z.string().nullable(),
    outcome: z.enum(['success', 'denied', 'failed']),
    requestId: z.string(),
    repeated: z.int().describe('How often, where repetitions were only counted'),
    changes: z.record(z.string(), z.unknown()).nullable(),
    detail: z.unknown(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    personal: z.record(z.string(), z.unknown()).nullable(),
    erased: z.boolean(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' })

/**
 * Entries with their personal parts opened, as far as the keys are still there.
 * @param runner in the tenant: the keys are those that its row-level security shows
 */
export async function shownEntries(
  runner: StatementRunner,
  secrets: Secrets,
  tenantId: string,
  rows: readonly RawRow[],
): Promise<readonly ShownEntry[]> {
  const entries = rows.map((row) => entryOf(tenantId, row))
  const ids = entries.flatMap(({ origin, personal }) =>
    [origin, personal].flatMap((part) => (part === null ? [] : (keyIdOf(part) ?? []))),
  )
  const keys = await keysById(runner, secrets, tenantId, [...new Set(ids)])
  return entries.map((entry) => shown(entry, keys))
}

function shown(entry: ChainedEntry, keys: ReadonlyMap<string, PartKey>): ShownEntry {
  const { tenantId, id, origin, personal, changes, detail, mac: _, ...facts } = entry
  const open = (sealed: string | null, part: string): Readonly<Record<string, unknown>> | null => {
    const key = sealed === null ? undefined : keys.get(keyIdOf(sealed) ?? '')
    const text = key && sealed !== null ? openPart(key, sealed, `${tenantId}|${id}|${part}`) : undefined
    return text === undefined ? null : (JSON.parse(text) as Readonly<Record<string, unknown>>)
  }
  const [from, fields] = [open(origin, 'origin'), open(personal, 'personal')]
  return {
    id,
    ...facts,
    changes: changes === null ? null : (JSON.parse(changes) as unknown),
    detail: detail === null ? null : (JSON.parse(detail) as unknown),
    address: (from?.['address'] as string | undefined) ?? null,
    userAgent: (from?.['userAgent'] as string | undefined) ?? null,
    personal: fields,
    erased: (origin !== null && from === null) || (personal !== null && fields === null),
  }
}
