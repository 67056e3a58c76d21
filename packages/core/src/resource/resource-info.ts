import type { z } from 'zod'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { ColumnKind } from '../columns/kinds.ts'
import type { Reference } from '../table/belongs-to.ts'
import type { AnyResourceTable } from '../table/types.ts'
import type { AnyAction, Operations, Resource } from './define-resource.ts'
import type { PersonalKind } from './field-facts.ts'
import type { AnyHooks } from './hooks.ts'

/** One column of a resource, with all that is known about it: what Drizzle says and the facts that the user declared. */
export interface FieldInfo {
  /** Property name: `contactEmail`. */
  readonly key: string
  /** SQL name: `contact_email`. */
  readonly sqlName: string
  /** SQL type as PostgreSQL writes it: `timestamp with time zone`. */
  readonly sqlType: string
  readonly column: PgColumn
  readonly kind: ColumnKind
  /** Schema of the JSON form of a value that is not null, with the user's narrowing. */
  readonly schema: z.ZodType
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** One of the columns that every resource has: read from outside, never written. */
  readonly platform: boolean
  readonly reference: Reference | undefined
  readonly filter: boolean
  readonly sort: boolean
  readonly search: boolean
  readonly hidden: boolean
  readonly secret: boolean
  readonly immutable: boolean
  readonly readOnly: boolean
  /** Reading it asks for a permission of its own. */
  readonly readRestricted: boolean
  /** Giving it a value does. */
  readonly writeRestricted: boolean
  readonly personal: PersonalKind | undefined
  readonly description: string | undefined
}

export interface ActionInfo extends Omit<AnyAction, 'fresh'> {
  readonly name: string
  /** Seconds for which a sign-in is recent enough; undefined where it does not matter. */
  readonly fresh: number | undefined
}

/** A resource as its readers see it: every default filled in, every name settled. */
export interface ResourceInfo {
  /** Singular: `site`; used in permissions and events. */
  readonly name: string
  /** SQL name of the table: `sites`. */
  readonly sqlName: string
  /** Path segment: `sites`. */
  readonly path: string
  readonly description: string | undefined
  readonly origin: 'product' | 'platform'
  readonly table: AnyResourceTable
  readonly drizzle: PgTable
  /** All columns in table order. */
  readonly fields: readonly FieldInfo[]
  readonly byKey: ReadonlyMap<string, FieldInfo>
  readonly operations: Required<Operations>
  readonly strict: boolean
  /** Whether the paths of older clients are served too. */
  readonly compat: boolean
  readonly actions: readonly ActionInfo[]
  readonly hooks: AnyHooks
  /** How old a row may be that is read by its id; undefined where each read asks the database. */
  readonly cacheSeconds: number | undefined
  /** The permission actions of the resource: `read create update delete`, where there are such operations `restore` and `clear`, and its own verbs. */
  readonly verbs: readonly string[]
  readonly declaration: Resource
}

/** The columns that may leave the server; a restricted one among them for who may read it. */
export function visibleFields(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter(isVisible)
}

export function isVisible(field: FieldInfo): boolean {
  return !field.hidden && !field.secret && field.key !== 'tenantId'
}

/** The columns that may come from outside. */
export function writableFields(resource: ResourceInfo): readonly FieldInfo[] {
  return resource.fields.filter((field) => !field.platform && !codeAlone(field))
}

/** Is it the product's own column, and may code write it while the outside may not? */
export function codeAlone(field: FieldInfo): boolean {
  return !field.platform && (field.hidden || field.readOnly)
}

export function fieldOf(resource: ResourceInfo, key: string): FieldInfo {
  const field = resource.byKey.get(key)
  if (!field) throw new Error(`${resource.name} has no field ${key}`)
  return field
}
