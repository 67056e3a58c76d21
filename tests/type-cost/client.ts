import type { Draft, Patch, Resource, Row, Shape } from '@plinth/core'

/** What an action of the client takes: nothing where the action has no input. */
type Arguments<Z> = Z extends { readonly _zod: { readonly input: infer V } } ? [id: string, input: V] : [id: string]
type Answer<S extends Shape, K> = K extends keyof S['outputs']
  ? S['outputs'][K] extends { readonly _zod: { readonly output: infer V } }
    ? V
    : Row<S['table']>
  : Row<S['table']>

/** One resource as a typed client shows it. */
export type ResourceClient<S extends Shape> = {
  list(request?: { readonly limit?: number }): Promise<{ readonly data: readonly Row<S['table']>[] }>
  read(id: string): Promise<Row<S['table']>>
  create(draft: Draft<S['table']>): Promise<Row<S['table']>>
  update(id: string, patch: Patch<S['table']>): Promise<Row<S['table']>>
  delete(id: string): Promise<void>
} & { readonly [K in keyof S['inputs']]: (...given: Arguments<S['inputs'][K]>) => Promise<Answer<S, K>> }

/** A client mapped from resources: the shape that a product's whole API has in its types. */
export type Client<R extends Readonly<Record<string, Resource>>> = {
  readonly [K in keyof R]: R[K] extends Resource<infer S> ? ResourceClient<S> : never
}
