import { belongsTo, deletedAt, resourceTable, type AnyResourceTable } from '@plinth/core'
import {
  bigint,
  boolean,
  char,
  date,
  doublePrecision,
  index,
  integer,
  json,
  jsonb,
  numeric,
  pgEnum,
  real,
  smallint,
  text,
  time,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'

/*
 * Tables for tests that must meet everything a resource can be: each column kind, each kind of reference, unique keys, soft
 * deletion. A product in miniature, with nothing in it that a product would not have.
 */

export const crateMood = pgEnum('crate_mood', ['calm', 'busy', 'full'])

/** Every column kind once. */
export const crates = resourceTable(
  'crates',
  {
    title: text().notNull(),
    label: varchar({ length: 80 }).notNull(),
    dockCode: char({ length: 12 }),
    state: text({ enum: ['open', 'sealed', 'lost'] })
      .notNull()
      .default('open'),
    mood: crateMood(),
    shelf: smallint(),
    pieces: integer().notNull(),
    weight: bigint({ mode: 'number' }),
    serial: bigint({ mode: 'bigint' }),
    price: numeric({ precision: 24, scale: 6 }),
    ratio: doublePrecision(),
    tilt: real(),
    fragile: boolean().notNull().default(false),
    dueAt: timestamp({ withTimezone: true }),
    seenAt: timestamp({ withTimezone: true, mode: 'string' }),
    localAt: timestamp(),
    day: date({ mode: 'string' }),
    opensAt: time(),
    facts: jsonb(),
    trail: json(),
    beacon: uuid(),
  },
  // A unique key across tenants would answer "exists already" for another tenant's value; with the tenant in it, it cannot.
  (table) => [
    unique('crates_label_key').on(table.tenantId, table.label),
    index('crates_due_idx').on(table.tenantId, table.dueAt),
  ],
)

/** Points at itself, and may not leave orphans. */
export const folders = resourceTable('folders', {
  name: text().notNull(),
  parentId: belongsTo((): AnyResourceTable => folders, { onDelete: 'restrict' }),
})

/** Points at two others, is deleted softly, and hides some of what it holds. */
export const documents = resourceTable(
  'documents',
  {
    title: text().notNull(),
    body: text(),
    docKey: text().notNull(),
    authorEmail: text(),
    passphrase: text(),
    internalNote: text().notNull().default('none'),
    reviewedBy: text(),
    pages: integer().notNull().default(1),
    folderId: belongsTo(() => folders, { onDelete: 'cascade' }).notNull(),
    crateId: belongsTo(() => crates, { onDelete: 'restrict' }),
    deletedAt: deletedAt(),
  },
  (table) => [index('documents_key_idx').on(table.tenantId, table.docKey)],
)

/** Unknown fields are refused here. */
export const vaults = resourceTable('vaults', {
  name: text().notNull(),
  pin: text(),
  settings: jsonb(),
})

/** Ties crates to vaults: many to many. */
export const stowages = resourceTable(
  'stowages',
  {
    crateId: belongsTo(() => crates, { onDelete: 'cascade' }).notNull(),
    vaultId: belongsTo(() => vaults, { onDelete: 'cascade' }).notNull(),
  },
  (table) => [unique('stowages_key').on(table.tenantId, table.crateId, table.vaultId)],
)

/** Read only. */
export const prices = resourceTable('prices', {
  article: text().notNull(),
  cents: bigint({ mode: 'bigint' }).notNull(),
})

/** Numbered by the database: whoever has one id has guessed the others. */
export const manifests = resourceTable('manifests', {
  id: integer().generatedAlwaysAsIdentity(),
  title: text().notNull(),
})

/** Named by who makes it, so that two tenants may well choose the same name. */
export const berths = resourceTable('berths', {
  id: text(),
  title: text().notNull(),
  manifestId: belongsTo(() => manifests, { key: 'integer', onDelete: 'restrict' }).notNull(),
})

/** Can be written into and never read. */
export const letters = resourceTable('letters', {
  subject: text().notNull(),
  words: text(),
  crateId: belongsTo(() => crates, { onDelete: 'cascade' }),
})
