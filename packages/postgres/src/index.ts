export { postgres } from './postgres.ts'
export type { PostgresOptions } from './postgres.ts'
export { embedded } from './embedded.ts'
export type { EmbeddedOptions } from './embedded.ts'
