import { createDatabase, loginUrl } from '@plinth/testing'
import { inject } from 'vitest'

/** A database for one Lookout. */
export interface Place {
  /** Variables that choose it. */
  readonly env: Readonly<Record<string, string>>
  readonly remove: () => Promise<void>
}

const onServer = async (): Promise<Place> => {
  const database = await createDatabase(inject('postgresUrl'))
  return {
    env: { DATABASE_URL: loginUrl(database.url, 'plinth_app'), DATABASE_OWNER_URL: database.url },
    remove: () => database.drop(),
  }
}
const inProcess = (): Promise<Place> => Promise.resolve({ env: {}, remove: () => Promise.resolve() })

/** Where every story is told. */
export const places = [
  { name: 'PostgreSQL', make: onServer },
  { name: 'the embedded database', make: inProcess },
] as const
