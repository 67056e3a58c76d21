import type { z } from 'zod'
import type { AnyResourceTable, Row } from '../table/types.ts'

/** Key of the phantom type that `params` carries: what they resolve to. */
declare const resolves: unique symbol

type DeepOverrides<P> = {
  readonly [K in keyof P]?: P[K] extends readonly unknown[]
    ? P[K] | null
    : P[K] extends object
      ? DeepOverrides<P[K]> | null
      : P[K] | null
}

/** What one level says about params of the type `P`: any part of them; null takes an inherited value away (RFC 7396). */
export type Overrides<P extends object> = DeepOverrides<P> & { readonly [resolves]?: P }

/** What the params of a templated table resolve to: `ParamsOf<typeof monitors>`. */
export type ParamsOf<T extends AnyResourceTable> =
  Row<T> extends { readonly params: infer O }
    ? O extends { readonly [resolves]?: infer P }
      ? Exclude<P, undefined>
      : never
    : never

/** A template that belongs to the platform: the same for every tenant, written in code, changed by nobody else. */
export interface SharedTemplate<P extends object = Record<string, unknown>> {
  /** Words for people. */
  readonly name: string
  readonly description?: string
  readonly defaults: Overrides<P>
  /** Key of the shared template that this one inherits from. */
  readonly parent?: string
  /** No longer offered. What came from it already goes on resolving. */
  readonly retired?: boolean
}

/** Says that rows of a table with the columns of {@link templated} come from templates. */
export interface TemplateFacts<T extends AnyResourceTable> {
  /** Schema of the resolved params. Give every member that a row can do without a `.default()`. */
  readonly params: z.ZodObject & z.ZodType<ParamsOf<T>>
  /** Templates of the platform by key (`'http-check'`). */
  readonly shared?: Readonly<Record<string, SharedTemplate<ParamsOf<T>>>>
}

/** A loose view, for readers that do not care for the type. */
export interface AnyTemplateFacts {
  readonly params: z.ZodObject
  readonly shared?: Readonly<Record<string, SharedTemplate>>
}
