import type { FieldInfo, ResourceInfo } from '@plinth/core'
import type { SeededRandom } from '../random/seeded-random.ts'
import { madeValue, nobodysId, valueText } from '../tenants/marks.ts'
import type { RowRole, SeededRow } from '../tenants/seed-rows.ts'
import { rowsOf, type Knowledge } from './knowledge.ts'
import type { WordPair } from './probe.ts'

/** Chooses the words of one request and remembers which of them are the victim's. */
export class Words {
  readonly random: SeededRandom
  readonly knowledge: Knowledge
  readonly pairs: WordPair[] = []

  constructor(random: SeededRandom, knowledge: Knowledge) {
    this.random = random
    this.knowledge = knowledge
  }

  /** Puts a word of the victim into the request, and its decoy beside it. */
  pair(victims: string, nobodys: string): string {
    // `[]` is a value of the victim's and nobody's secret: a page with a script in it holds it, too.
    const tells = victims !== nobodys && /[\p{L}\p{N}]/u.test(victims)
    if (tells && !this.pairs.some(([known]) => known === victims)) this.pairs.push([victims, nobodys])
    return victims
  }

  /** An id that only the victim has. */
  foreignId(resource: ResourceInfo): string {
    const rows = this.#victimRows(resource, ['own', 'own', 'own', 'open', 'bare', 'deleted'])
    return this.foreignKey(this.random.pick(rows).id)
  }

  /** @param id of the victim's: a UUID, or a key of another kind */
  foreignKey(id: string): string {
    return this.pair(id, nobodysId(this.random, id))
  }

  /** An id in the form of the resource's that nobody has. */
  nobodysId(resource: ResourceInfo): string {
    return nobodysId(this.random, this.twinId(resource))
  }

  twinId(resource: ResourceInfo): string {
    return this.random.pick(rowsOf(this.knowledge.attackerRows, resource).filter((row) => row.role === 'twin')).id
  }

  ownId(resource: ResourceInfo): string {
    return this.random.pick(rowsOf(this.knowledge.attackerRows, resource).filter((row) => row.role !== 'twin')).id
  }

  parentOf(field: FieldInfo): ResourceInfo | undefined {
    return field.reference && this.knowledge.registry.byTable.get(field.reference.to() as object)
  }

  /** A stored value of the victim as JSON, with a decoy of the same form where the type has room for one. */
  foreignValue(resource: ResourceInfo, field: FieldInfo): string {
    const row = this.random.pick(this.#victimRows(resource, ['own', 'twin', 'open']))
    const value = row.values[field.key]
    if (value === null || value === undefined) return this.usualValue(field)
    const parent = this.parentOf(field)
    if (parent) return row.role === 'twin' ? valueText(value) : this.foreignKey(valueText(value))
    // People who work for both tenants own rows in both: their ids are words of the attacker's, too.
    const { userIds, groupIds } = this.knowledge.attacker
    if (typeof value === 'string' && [...userIds, ...groupIds].includes(value)) return value
    if (field.kind.name === 'uuid' || field.key === 'id')
      return row.role === 'twin' ? valueText(value) : this.foreignKey(valueText(value))
    // An open row's values lie among the attacker's own: `lte` would show other rows of his for another word.
    if (row.role === 'open' || field.kind.name === 'boolean' || field.column.enumValues) return valueText(value)
    if (field.key === 'version') return this.pair(valueText(value), String(719_900 + this.random.below(90)))
    return this.pair(valueText(value), valueText(madeValue(field, this.random, 'victim')))
  }

  usualValue(field: FieldInfo): string {
    return valueText(madeValue(field, this.random, 'attacker'))
  }

  #victimRows(resource: ResourceInfo, roles: readonly RowRole[]): readonly SeededRow[] {
    const rows = rowsOf(this.knowledge.victimRows, resource)
    return roles.flatMap((role) => rows.filter((row) => row.role === role))
  }
}
