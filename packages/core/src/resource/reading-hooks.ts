import { and, type Condition } from '../condition/condition.ts'
import type { Registry } from '../platform/registry.ts'
import type { ListOperation, RawRow, Session } from '../ports/database.ts'
import { decodeRow } from '../output/print-row.ts'
import { withBuiltInRows } from './built-in-rows.ts'
import type { ReadingContext } from './context.ts'
import type { ReadingParts } from './reading-context.ts'
import type { FieldInfo, ResourceInfo } from './resource-info.ts'

/** As deep as hooks of reads may lead to reads with hooks. */
const DEEPEST = 8

const withHooks = new WeakMap<Registry, boolean>()

function anyReadingHooks(registry: Registry): boolean {
  const known = withHooks.get(registry)
  if (known !== undefined) return known
  const any = registry.resources.some(
    ({ hooks }) => hooks.beforeRead ?? hooks.afterRead ?? hooks.beforeList ?? hooks.afterList,
  )
  withHooks.set(registry, any)
  return any
}

/**
 * A session whose reads run the hooks of their resources. It stands around every read of a request and of `ctx`: one row, a page, a
 * whole list as CSV, a count, what `include` brings. So nothing that a hook hides is seen by another way, but for the values that rows inherit from templates. Where no resource has
 * such a hook, it is the session itself. Inside of it stand the rows that are built in.
 */
export function withReadingHooks(parts: ReadingParts, contextOf: (parts: ReadingParts) => ReadingContext): Session {
  const session = withBuiltInRows(parts.session, parts.platform.registry, parts.scope.facts)
  if (!anyReadingHooks(parts.platform.registry)) return session
  const contextFor = (resource: ResourceInfo, hook: string): ReadingContext => {
    const depth = (parts.readingDepth ?? 0) + 1
    if (depth > DEEPEST)
      throw new Error(`${resource.name}.hooks.${hook}: reads led to reads with hooks ${DEEPEST} times`)
    return contextOf({ ...parts, readingDepth: depth })
  }
  const narrowed = async (resource: ResourceInfo, where: Condition): Promise<Condition> => {
    const hook = resource.hooks.beforeList
    if (!hook) return where
    const condition = (await hook(contextFor(resource, 'beforeList'))) as Condition | undefined
    return condition === undefined ? where : and(where, condition)
  }
  const shown = async (
    { resource, view }: Pick<ListOperation, 'resource' | 'view'>,
    rows: readonly RawRow[],
  ): Promise<readonly RawRow[]> => {
    const hook = resource.hooks.afterList
    if (hook) {
      const decoded = rows.map((row) => decodeRow(resource, row, view))
      await hook(contextFor(resource, 'afterList'), decoded as never)
    }
    return rows
  }
  // A hook sees every column that the asker may read, whatever the request chose of them.
  const fieldsOf = (resource: ResourceInfo, fields: readonly FieldInfo[]): readonly FieldInfo[] =>
    resource.hooks.afterList ? resource.fields : fields
  const hooked: Session = {
    async read(operation) {
      const { resource, id } = operation
      await resource.hooks.beforeRead?.(contextFor(resource, 'beforeRead'), id)
      const row = await session.read(operation)
      if (row && resource.hooks.afterRead)
        await resource.hooks.afterRead(
          contextFor(resource, 'afterRead'),
          decodeRow(resource, row, operation.view) as never,
        )
      return row
    },
    async list(operation) {
      const { resource, fields } = operation
      const where = await narrowed(resource, operation.where)
      return shown(operation, await session.list({ ...operation, where, fields: fieldsOf(resource, fields) }))
    },
    async related(operation) {
      const { resource, fields } = operation
      const where = await narrowed(resource, operation.where)
      return shown(operation, await session.related({ ...operation, where, fields: fieldsOf(resource, fields) }))
    },
    count: async (operation) =>
      session.count({ ...operation, where: await narrowed(operation.resource, operation.where) }),
    aclEntries: (operation) => session.aclEntries(operation),
    create: (operation) => session.create(operation),
    update: (operation) => session.update(operation),
    delete: (operation) => session.delete(operation),
    restore: (operation) => session.restore(operation),
    probe: (operation) => session.probe(operation),
  }
  behind.set(hooked, session)
  return hooked
}

const behind = new WeakMap<Session, Session>()

/**
 * The session itself. For what a row is made of rather than what is shown of others: a template that a hook hides from lists still
 * gives its values to the rows that come from it, as it did when they were written.
 */
export function pastReadingHooks(session: Session): Session {
  return behind.get(session) ?? session
}
