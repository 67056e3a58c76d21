/**
 * The database differs from the declaration in something that adding cannot mend. Nothing was changed. All differences at
 * once, for each of them costs somebody a migration to write.
 */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
  readonly differences: readonly string[]

  constructor(differences: readonly string[], folder: string | undefined) {
    const many = differences.length === 1 ? 'one point' : `${differences.length} points`
    const lines = differences.map((difference) => `  - ${difference}`).join('\n')
    super(
      `plinth.migrate() changed nothing: the database differs from the declaration in ${many}.\n${lines}\n${advice(folder)}`,
    )
    this.differences = differences
  }
}

function advice(folder: string | undefined): string {
  const push = 'Never use `drizzle-kit push`: it disables row-level security in silence.'
  if (folder !== undefined) {
    return `The migrations in ${folder} do not lead to what is declared. Add one: npx drizzle-kit generate\n${push}`
  }
  return `It only adds; it never alters or drops. Write a migration and run it:\n  npx drizzle-kit generate\n  plinth.migrate({ folder: './drizzle' })\n${push}`
}
