import {
  admits,
  isAboutRows,
  isFieldModel,
  type AclEntry,
  type AclSaying,
  type Facts,
  type Permissions,
  type Platform,
  type RawRow,
  type Tenant,
  type Transaction,
} from '@plinth/core'
import { isDeepStrictEqual } from 'node:util'
import { askersNamed } from './askers-named.ts'
import { compareAccess, reachOf } from './compare-access.ts'
import { isSaidBeside, rowSeen, sayingOf, type ConsideredEntry } from './considered-entry.ts'
import { Tally, type AccessDifference, type PreviewWindow, type RolePreview } from './tally.ts'
import { permissionsIn, rolesOf, sayingsOf, type Asker, type PreviewParts, type World } from './world.ts'

/** Where an entry is thought of. */
export interface AclPreviewParts extends PreviewParts {
  readonly platform: Platform
  readonly transaction: Transaction
  readonly tenant: Tenant
  /** Whether keys are told of that have the role which the entry names. */
  readonly keys: boolean
}

/**
 * Who would gain and lose what by an entry of the ACL, or without one: real decisions with it and without it, on that row or on every
 * one. What is done with a row is compared too where the entry is about seeing it, for whoever does not see a row can do nothing with it.
 */
export async function previewEntry(
  parts: AclPreviewParts,
  entry: ConsideredEntry,
  window?: PreviewWindow,
): Promise<RolePreview> {
  const { registry, transaction, tenant } = parts
  const { target, recordId } = entry
  const row = recordId === null ? undefined : await rowSeen(parts, target, recordId)
  const models = modelsOf(parts, target.resource.name)
  const compared: Compared = {
    entry,
    row,
    models,
    numbers: [...registry.permissions.names.keys()].filter((number) =>
      models.includes(registry.permissions.partsOf(number)[0]),
    ),
    remains: await isSaidBeside(transaction, tenant.id, entry),
    world: { tenant, policies: registry.policies },
  }
  const roles = rolesOf(transaction, parts.definitions)
  const tally = new Tally(window)
  for await (const askers of askersNamed(parts, entry.subject)) {
    const sayings = await sayingsOf(transaction, tenant.id, askers)
    const entries = await entriesOf(parts, compared, askers)
    for (const asker of askers) {
      const [left, right] = saidWithAndWithout(compared, sayings)
      const [before, after] = [
        await permissionsIn(parts, roles, asker, { ...compared.world, said: left }),
        await permissionsIn(parts, roles, asker, { ...compared.world, said: right }),
      ]
      tally.add(asker, await differenceOf(parts, compared, asker, entries, before, after))
    }
  }
  return tally.preview
}

interface Compared {
  readonly entry: ConsideredEntry
  /** Undefined where the entry is about every row, or about one that is gone. */
  readonly row: RawRow | undefined
  /** The model with those of its restricted fields. */
  readonly models: readonly string[]
  readonly numbers: readonly number[]
  /** Whether the same is said of other rows. */
  readonly remains: boolean
  readonly world: Omit<World, 'said'>
}

function modelsOf({ registry }: PreviewParts, name: string): readonly string[] {
  const all = registry.permissions.names.map((_, number) => registry.permissions.partsOf(number)[0])
  return [...new Set(all.filter((model) => model === name || (isFieldModel(model) && model.startsWith(`${name}.`))))]
}

/** What is said of somebody before and after. */
function saidWithAndWithout(
  { entry, remains }: Compared,
  sayings: ReadonlyMap<string, readonly AclSaying[]>,
): readonly [before: World['said'], after: World['said']] {
  const { many: _, ...saying } = { many: false, ...sayingOf(entry) }
  const isThat = ({ many: _many, ...one }: AclSaying): boolean => isDeepStrictEqual(one, saying)
  const now: World['said'] = (subjects) => subjects.flatMap((subject) => sayings.get(subject) ?? [])
  const without: World['said'] = (subjects) => (remains ? now(subjects) : now(subjects).filter((one) => !isThat(one)))
  const made: World['said'] = (subjects) => {
    const there = now(subjects)
    return subjects.includes(saying.subject) && !there.some(isThat) ? [...there, saying] : there
  }
  return entry.change === 'made' ? [now, made] : [now, without]
}

/** The entries that name the row, for these people. */
async function entriesOf(
  { transaction }: AclPreviewParts,
  { row, models }: Compared,
  askers: readonly Asker[],
): Promise<readonly AclEntry[]> {
  if (!row) return []
  return transaction.aclEntries({
    models,
    subjects: [...new Set(askers.flatMap(({ subjects }) => subjects))],
    recordIds: [String(row['id'])],
  })
}

async function differenceOf(
  { registry }: AclPreviewParts,
  { entry, row, numbers }: Compared,
  asker: Asker,
  entries: readonly AclEntry[],
  before: Permissions,
  after: Permissions,
): Promise<AccessDifference> {
  const { change, effect, target, recordId, id } = entry
  if (recordId === null)
    return compareAccess(
      registry,
      numbers,
      before,
      after,
      (effect === 'allow') === (change === 'made') ? 'wider' : 'narrower',
    )
  // A row that is gone, or deleted, can nobody do anything with.
  if (!row) return { gained: [], lost: [], changes: [] }
  const considered: AclEntry = {
    id: id ?? '',
    model: target.model,
    action: target.action,
    recordId,
    subject: sayingOf(entry).subject,
    effect,
  }
  const others = entries.filter((one) => one.id !== id)
  const [without, withIt] = [others, [...others, considered]]
  const facts: Facts = {
    principalId: asker.principal.id,
    userId: asker.principal.userId,
    groupIds: asker.member?.groupIds ?? asker.principal.groupIds,
  }
  const may = (held: Permissions, number: number, named: readonly AclEntry[]): Promise<boolean> =>
    admits({ aclEntries: () => Promise.resolve(named) }, target.resource, row, reachOf(registry, held, number), facts)
  const gained: string[] = []
  const lost: string[] = []
  for (const number of numbers) {
    if (!isAboutRows(registry.permissions.partsOf(number)[1])) continue
    const [left, right] = [
      await may(before, number, change === 'made' ? without : withIt),
      await may(after, number, change === 'made' ? withIt : without),
    ]
    if (left !== right) (right ? gained : lost).push(registry.permissions.names[number]!)
  }
  return { gained, lost }
}
