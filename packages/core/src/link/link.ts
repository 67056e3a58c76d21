import { getTableConfig } from 'drizzle-orm/pg-core'
import { singularize } from 'inflection'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Registry } from '../platform/registry.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'

/** Rows of two resources tied by the rows of a third, seen from one of the two: the tags of a site. */
export interface Link {
  /** What `include` calls them: `tags`. */
  readonly name: string
  /** What bodies call the set of their ids: `tagIds`. */
  readonly idsKey: string
  /** The resource whose rows are the ties: `siteTag`. */
  readonly through: ResourceInfo
  /** Its reference to this side, and to the other. */
  readonly near: FieldInfo
  readonly far: FieldInfo
  readonly target: ResourceInfo
}

const made = new WeakMap<Registry, Map<ResourceInfo, readonly Link[]>>()

/** The links of a resource, as its `links` declare them. What is declared wrongly is left out: the start is refused anyway. */
export function linksOf(registry: Registry, resource: ResourceInfo): readonly Link[] {
  const known = made.get(registry) ?? new Map<ResourceInfo, readonly Link[]>()
  made.set(registry, known)
  const kept = known.get(resource)
  if (kept) return kept
  const links = Object.entries(resource.declaration.links).flatMap(([name, table]): Link[] => {
    const through = registry.byTable.get(table as object)
    const ends = through && endsOf(registry, resource, through)
    if (!through || !ends?.target.operations.list) return []
    return [{ name, idsKey: `${singularize(name)}Ids`, through, ...ends }]
  })
  known.set(resource, links)
  return links
}

/** One reference to this resource and one to another, both NOT NULL; a tie of a table with itself has no near and far end. */
function endsOf(
  registry: Registry,
  resource: ResourceInfo,
  through: ResourceInfo,
): Pick<Link, 'near' | 'far' | 'target'> | undefined {
  const ends = through.fields.flatMap((field) => {
    const target = field.reference && registry.byTable.get(field.reference.to() as object)
    return target ? [{ field, target }] : []
  })
  const near = ends.filter((end) => end.target === resource)
  const far = ends.filter((end) => end.target !== resource)
  if (near.length !== 1 || far.length !== 1 || !near[0]!.field.notNull || !far[0]!.field.notNull) return undefined
  return { near: near[0]!.field, far: far[0]!.field, target: far[0]!.target }
}

export function verifyLinks(registry: Registry, faults: StartupFault[]): void {
  for (const resource of registry.resources) {
    for (const [name, table] of Object.entries(resource.declaration.links)) {
      const path = `resource ${resource.name}.links.${name}`
      const through = registry.byTable.get(table as object)
      if (through) verifyLink(registry, resource, name, through, path, faults)
      else
        faults.push({
          path,
          problem: 'is a table that is no resource of this platform',
          fix: 'add its resource to createPlinth({ resources: […] })',
        })
    }
  }
}

function verifyLink(
  registry: Registry,
  resource: ResourceInfo,
  name: string,
  through: ResourceInfo,
  path: string,
  faults: StartupFault[],
): void {
  const add = (problem: string, fix: string): void => void faults.push({ path, problem, fix })
  const ends = endsOf(registry, resource, through)
  if (!ends) {
    return add(
      `${through.sqlName} does not tie ${resource.path} to one other resource`,
      `give it one belongsTo(() => ${resource.sqlName}).notNull() and one belongsTo(() => others).notNull()`,
    )
  }
  const { near, far, target } = ends
  const columns = ['tenant_id', near.sqlName, far.sqlName].sort().join()
  if (!uniqueKeysOf(through).includes(columns))
    add(
      `${through.sqlName} may hold the same tie twice`,
      `unique().on(table.tenantId, table.${near.key}, table.${far.key})`,
    )
  if (through.byKey.has('deletedAt'))
    add(`${through.sqlName} is soft-deleted, and a tie is there or it is not`, 'drop deletedAt there')
  for (const field of through.fields) {
    if (field === near || field === far || field.platform || !field.notNull || field.hasDefault) continue
    add(
      `a set of ids cannot give ${through.sqlName}.${field.key}, which is NOT NULL without default`,
      `${field.key}: ….default(…)`,
    )
  }
  if (!target.operations.list)
    add(`${target.path} cannot be listed`, `drop operations: { list: false } of ${target.name}`)
  const idsKey = `${singularize(name)}Ids`
  if (resource.byKey.has(idsKey)) add(`${idsKey} is a column already`, 'give the column another name')
}

function uniqueKeysOf({ drizzle }: ResourceInfo): readonly string[] {
  const { uniqueConstraints, indexes } = getTableConfig(drizzle)
  const named = (columns: readonly object[]): string =>
    columns
      .map((column) => ('name' in column ? String(column.name) : ''))
      .sort()
      .join()
  return [
    ...uniqueConstraints.map((key) => named(key.columns)),
    ...indexes.filter(({ config }) => config.unique && !config.where).map(({ config }) => named(config.columns)),
  ]
}
