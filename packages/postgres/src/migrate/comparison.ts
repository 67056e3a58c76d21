import type { DeclaredTable } from '../catalog/declared-table.ts'
import type { Step } from './run-step.ts'

/** What a comparison of declared and live tables found. The lists are run in this order. */
export interface Comparison {
  readonly enums: Step[]
  readonly tables: Step[]
  readonly columns: Step[]
  readonly indexes: Step[]
  /** Keys, unique indexes and checks: before foreign keys, which need a key to point at. */
  readonly constraints: ConstraintStep[]
  readonly foreignKeys: ConstraintStep[]
  readonly differences: Difference[]
  readonly doubts: Doubt[]
}

/** A key or rule over columns that may hold rows: only PostgreSQL knows whether they keep it. */
export interface ConstraintStep extends Step {
  /** Whether rows may be there that break it. */
  readonly guarded: boolean
}

export interface Difference {
  readonly words: string
  /** Whether statements fail or isolation suffers, against a mere difference of taste (the name of an index). */
  readonly breaks: boolean
}

/** An expression that is not written as PostgreSQL prints the live one. Whether it is another one, only PostgreSQL can say. */
export interface Doubt {
  readonly table: DeclaredTable
  readonly kind: 'default' | 'generated' | 'check' | 'index'
  /** Of the column, check or index. */
  readonly name: string
  /** As the catalog prints it. */
  readonly live: string
  /** What to say if it is another one. */
  readonly words: string
}

export function additionsOf(comparison: Comparison): readonly (Step | ConstraintStep)[] {
  const { enums, tables, columns, indexes, constraints, foreignKeys } = comparison
  return [...enums, ...tables, ...columns, ...indexes, ...constraints, ...foreignKeys]
}
