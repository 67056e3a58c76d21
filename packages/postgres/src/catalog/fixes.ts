/** What mends most faults of a database; it creates, enables and grants what is missing and takes what is too much. */
export const MIGRATE = 'run plinth.migrate() (plinth migrate on the command line)'

/** The usual reason that row-level security is suddenly gone. */
export const MIGRATE_AFTER_PUSH = `${MIGRATE}. drizzle-kit push does this in silence: never use it, use generate and migrate({ folder })`
