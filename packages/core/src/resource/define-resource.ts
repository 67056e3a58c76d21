import type { z } from 'zod'
import type { Upcast } from '../events/event-type.ts'
import type { Context, ReadingContext } from './context.ts'
import type { Fields } from './field-facts.ts'
import type { AnyHooks, Hooks } from './hooks.ts'
import type { AnyTemplateFacts, TemplateFacts } from '../template/facts.ts'
import type { AnyResourceTable, Row } from '../table/types.ts'
import type { BuiltInRows } from './built-in-rows.ts'

/** The operations that every resource has unless it says otherwise. */
export interface Operations {
  readonly create?: boolean
  readonly read?: boolean
  readonly list?: boolean
  /** PUT and PATCH. */
  readonly update?: boolean
  readonly delete?: boolean
  /** Bringing deleted rows back. Default: where the table has `deletedAt`. */
  readonly restore?: boolean
  /** Up to 100 creates, updates and deletes in one transaction. Default: where one of these is there. */
  readonly bulk?: boolean
  /** Deleting every row. Off unless it says `true`, and a permission of its own. */
  readonly clear?: boolean
}

// `input?:` lets undefined into what TypeScript infers for a key; distributing drops it. No schema at all infers unknown.
// Not `Z extends z.ZodType`: that compares some ninety members for each schema, and 200 resources took twice as long.
type InputOf<Z> = unknown extends Z ? undefined : Z extends { readonly _zod: { readonly output: infer V } } ? V : never

/**
 * A schema, or a type that refuses what is none. Not `Z & z.ZodType`: that would be the contextual type of `z.object(…)`, and
 * TypeScript would infer its type once more from there, 25,000 instantiations a schema.
 */
type SchemaOf<Z> = Z extends { readonly _zod: object } ? Z : { readonly _zod: 'use a zod schema' }

/** A loose view of an action, for readers of resources that do not care for its types. */
export interface AnyAction {
  readonly input?: z.ZodType
  readonly output?: z.ZodType
  readonly description?: string
  readonly readOnly?: boolean
  readonly fresh?: string
  readonly outside?: (row: never, input: never, signal: AbortSignal, context: ReadingContext) => unknown
  readonly run?: (context: Context, row: never, input: never) => void
}

/** The types of a resource in one parameter: its table, and input and output schema by action. */
export interface Shape {
  readonly table: AnyResourceTable
  readonly inputs: object
  readonly outputs: object
}

/** A resource: inert data about a table. Nothing happens until a reader (routes, OpenAPI, row security …) reads it. */
export interface Resource<S extends Shape = Shape> {
  readonly table: S['table']
  readonly name: string | undefined
  readonly path: string | undefined
  readonly description: string | undefined
  readonly fields: Readonly<Record<string, object>>
  readonly operations: Operations
  readonly strict: boolean
  readonly compat: boolean
  readonly actions: Readonly<Record<string, AnyAction>>
  readonly template: AnyTemplateFacts | undefined
  readonly hooks: AnyHooks
  readonly links: Readonly<Record<string, AnyResourceTable>>
  readonly builtIn: BuiltInRows | undefined
  readonly events: EventEvolution | undefined
  readonly cache: string | undefined
  /** Types only; never present at run time. */
  readonly shape?: S
}

/** How the data of a resource's events has changed. */
export interface EventEvolution {
  readonly version: number
  /** By version, how its data becomes that of the next. */
  readonly upcast: Readonly<Record<number, Upcast>>
}

/** What a user writes. Every key is a fact about the table. */
export interface ResourceFacts<T extends AnyResourceTable, I, R, O> {
  readonly table: T
  /** Singular name, used in permissions and events. Default: the singular of the table's name in camelCase. */
  readonly name?: string
  /** Path segment. Default: the table's name in kebab-case. */
  readonly path?: string
  /** Words for people: OpenAPI and screens. */
  readonly description?: string
  readonly fields?: Fields<T>
  /** Operations to switch off: `{ delete: false }`, or on: `{ clear: true }`. A disabled one answers 405 and is absent from OpenAPI. */
  readonly operations?: Operations
  /** Unknown input fields are a 400 instead of being stripped. */
  readonly strict?: boolean
  /** Code of the product around reads and writes. The one fact that is a feature: see `docs/resources.md`. */
  readonly hooks?: Hooks<T>
  /** Older clients name the verb in the path: adds `/{plural}/create`, `/:id/read`, `/:id/update`, `/:id/delete`, `/list`, `/clear`. */
  readonly compat?: boolean
  /** Rows come from templates, whose values they inherit and override. The table has the columns of `templated()`. */
  readonly template?: TemplateFacts<T>
  /**
   * Rows of another resource, tied to these by a table between: `{ tags: siteTags }` is read by `include=tags` and written as the set
   * `tagIds`. The table between is a resource with a NOT NULL `belongsTo` to each side and a unique key over both.
   */
  readonly links?: Readonly<Record<string, AnyResourceTable>>
  /**
   * Rows that are code: every tenant has them beside its own, reads and lists them like its own, and can change none (409 `built_in`).
   * The table has a column `builtIn` that is false in it. What text is sorted by is `collate "C"` there: rows of both kinds are put
   * into one order.
   */
  readonly builtIn?: BuiltInRows
  /**
   * How old a row may be that somebody reads by its id: `30s`. It is then kept in memory and asked for again when it is older. Who may see
   * it is decided as ever; a write in the same process is seen at once, one in another in milliseconds. Without a word, every read asks the database.
   */
  readonly cache?: string
  /**
   * Counted up with a change that the readers of its events must know of (a column renamed, say), and how old data becomes new:
   * `{ version: 2, upcast: { 1: (data: { name: string }) => … } }`. Without a word, version 1.
   */
  readonly events?: EventEvolution
  /**
   * Verbs beside CRUD: `POST /{plural}/:id/{action}`. `run` is typed to return void although it may return the row or, with
   * an `output` schema, anything of it: with a result type TypeScript would have to infer the constant inside its own
   * initialiser (TS7022).
   */
  readonly actions?: {
    readonly [K in keyof I]: {
      /** Schema of the request body. */
      readonly input?: SchemaOf<I[K]>
      readonly description?: string
      /** Changes nothing: `GET` instead of `POST`. */
      readonly readOnly?: boolean
      /**
       * Only shortly after a sign-in: `10m` (a number and `s`, `m`, `h` or `d`). Who signed in longer ago is asked to show again who he is
       * (401 `reauthentication_required`); keys and services, which cannot, are refused (403).
       */
      readonly fresh?: string
      readonly run: (
        context: Context,
        row: Row<T>,
        input: K extends keyof R ? (unknown extends R[K] ? InputOf<I[K]> : Exclude<R[K], undefined>) : InputOf<I[K]>,
      ) => void
    }
  } & {
    readonly [K in keyof R]: {
      /**
       * Slow work (HTTP, mail, files), done between two transactions: the row is authorised and its version read first,
       * `run` then writes under that version.
       */
      readonly outside?: (
        row: Row<T>,
        input: K extends keyof I ? InputOf<I[K]> : undefined,
        signal: AbortSignal,
        context: ReadingContext,
      ) => R[K] | Promise<R[K]>
    }
  } & {
    readonly [K in keyof O]: {
      /** Schema of the answer, when it is not the row. */
      readonly output?: SchemaOf<O[K]>
    }
  }
}

/**
 * Declares what is true of a table; the API, its permissions, row-level security, OpenAPI and the rest follow.
 * Returns inert data: faults are found when `createPlinth` reads it, all at once.
 */
export function defineResource<
  T extends AnyResourceTable,
  I extends Readonly<Record<string, unknown>> = {},
  R extends Readonly<Record<string, unknown>> = {},
  O extends Readonly<Record<string, unknown>> = {},
>(facts: ResourceFacts<T, I, R, O>): Resource<{ table: T; inputs: I; outputs: O }> {
  return {
    table: facts.table,
    name: facts.name,
    path: facts.path,
    description: facts.description,
    fields: (facts.fields ?? {}) as Readonly<Record<string, object>>,
    operations: facts.operations ?? {},
    strict: facts.strict ?? false,
    compat: facts.compat ?? false,
    actions: (facts.actions ?? {}) as unknown as Readonly<Record<string, AnyAction>>,
    template: facts.template as AnyTemplateFacts | undefined,
    hooks: (facts.hooks ?? {}) as unknown as AnyHooks,
    links: facts.links ?? {},
    builtIn: facts.builtIn,
    events: facts.events,
    cache: facts.cache,
  }
}
