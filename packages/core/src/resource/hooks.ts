import type { Condition } from '../condition/condition.ts'
import type { StartupFault } from '../errors/startup-error.ts'
import type { AnyResourceTable, Draft, Patch, Row } from '../table/types.ts'
import type { Context, ReadingContext } from './context.ts'

/**
 * Code of the product around the operations of a resource. Those around writes run in the transaction of the write, whichever way
 * it came in (HTTP, bulk, clear, actions, jobs, with a parent). A `before` that throws `problem(…)` refuses with that answer; all
 * else that is thrown is a 500, and either way nothing is written. After commit is `on` of a feature.
 *
 * What comes after is typed to return void and is awaited, so that it may end with any write.
 */
export interface Hooks<T extends AnyResourceTable> {
  /** May return another draft, which is validated again. */
  readonly beforeCreate?: (ctx: Context, draft: Draft<T>) => Draft<T> | void | Promise<Draft<T> | void>
  readonly afterCreate?: (ctx: Context, row: Row<T>) => void
  /** The row as it is, and what shall change. May return another patch, which is validated again. */
  readonly beforeUpdate?: (ctx: Context, row: Row<T>, patch: Patch<T>) => Patch<T> | void | Promise<Patch<T> | void>
  readonly afterUpdate?: (ctx: Context, row: Row<T>, before: Row<T>) => void
  readonly beforeDelete?: (ctx: Context, row: Row<T>) => void
  readonly afterDelete?: (ctx: Context, row: Row<T>) => void
  readonly beforeRestore?: (ctx: Context, row: Row<T>) => void
  readonly afterRestore?: (ctx: Context, row: Row<T>) => void
  /** Before one row is read. No transaction is open. */
  readonly beforeRead?: (ctx: ReadingContext, id: string) => void
  /** May refuse the row by throwing. */
  readonly afterRead?: (ctx: ReadingContext, row: Row<T>) => void
  /** May return a condition: lists hold only rows that meet it, too. */
  readonly beforeList?: (ctx: ReadingContext) => Condition | void | Promise<Condition | void>
  /** May refuse the page by throwing. */
  readonly afterList?: (ctx: ReadingContext, rows: readonly Row<T>[]) => void
}

/** A loose view of hooks, for those who run them. */
export interface AnyHooks {
  readonly beforeCreate?: (context: Context, draft: never) => unknown
  readonly afterCreate?: (context: Context, row: never) => unknown
  readonly beforeUpdate?: (context: Context, row: never, patch: never) => unknown
  readonly afterUpdate?: (context: Context, row: never, before: never) => unknown
  readonly beforeDelete?: (context: Context, row: never) => unknown
  readonly afterDelete?: (context: Context, row: never) => unknown
  readonly beforeRestore?: (context: Context, row: never) => unknown
  readonly afterRestore?: (context: Context, row: never) => unknown
  readonly beforeRead?: (context: ReadingContext, id: string) => unknown
  readonly afterRead?: (context: ReadingContext, row: never) => unknown
  readonly beforeList?: (context: ReadingContext) => unknown
  readonly afterList?: (context: ReadingContext, rows: never) => unknown
}

const names = [
  'beforeCreate',
  'afterCreate',
  'beforeUpdate',
  'afterUpdate',
  'beforeDelete',
  'afterDelete',
  'beforeRestore',
  'afterRestore',
  'beforeRead',
  'afterRead',
  'beforeList',
  'afterList',
] as const satisfies readonly (keyof Hooks<AnyResourceTable>)[]

/** A hook that is never called is a rule that nobody keeps. */
export function verifyHooks(at: string, hooks: AnyHooks, soft: boolean, faults: StartupFault[]): void {
  for (const [name, hook] of Object.entries(hooks)) {
    const path = `${at}.hooks.${name}`
    if (!(names as readonly string[]).includes(name))
      faults.push({ path, problem: 'is no hook', fix: `use one of: ${names.join(', ')}` })
    else if (hook !== undefined && typeof hook !== 'function')
      faults.push({ path, problem: 'is no function', fix: `${name}: (ctx, …) => { … }` })
    else if (!soft && name.endsWith('Restore'))
      faults.push({
        path,
        problem: 'is never called: the table is not deleted softly',
        fix: 'give the table deletedAt: deletedAt(), or drop the hook',
      })
  }
}
