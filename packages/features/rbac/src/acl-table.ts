import { platformTable, subjectKinds } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'

/** Entries of the ACL. The table is the platform's own: generated statements read it. */
export const aclEntries = platformTable('acl_entries', {
  model: text().notNull(),
  /** `*` is every action of the model. */
  action: text().notNull(),
  /** Null is every row. */
  recordId: text(),
  subjectKind: text({ enum: [...subjectKinds] }).notNull(),
  subjectId: text().notNull(),
  effect: text({ enum: ['allow', 'deny'] }).notNull(),
})
