import { bigint, integer, json, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const plinth = pgSchema('plinth')

/** Entries as they are written, in the statement of the change; from here they go into the book. */
export const auditInbox = plinth.table('audit_inbox', {
  tenantId: uuid('tenant_id').notNull(),
  position: bigint('position', { mode: 'number' }).notNull(),
  occurredAt: timestamp('occurred_at', { withTimezone: true }).notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  onBehalfOf: text('on_behalf_of'),
  action: text('action').notNull(),
  target: text('target'),
  outcome: text('outcome').notNull().default('success'),
  requestId: text('request_id').notNull(),
  repeated: integer('repeated').notNull().default(1),
  before: jsonb('before'),
  after: jsonb('after'),
  masked: jsonb('masked'),
  personal: jsonb('personal'),
  detail: jsonb('detail'),
  address: text('address'),
  userAgent: text('user_agent'),
})

/** The book. `changes` and `detail` are `json` and not `jsonb`: their hash is that of the very text. */
export const auditLogs = plinth.table('audit_logs', {
  tenantId: uuid('tenant_id').notNull(),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  id: uuid('id').notNull(),
  occurredAt: timestamp('occurred_at', { withTimezone: true }).notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  onBehalfOf: text('on_behalf_of'),
  action: text('action').notNull(),
  targetType: text('target_type').notNull(),
  targetId: text('target_id'),
  outcome: text('outcome').notNull(),
  requestId: text('request_id').notNull(),
  repeated: integer('repeated').notNull(),
  changes: json('changes'),
  detail: json('detail'),
  origin: text('origin'),
  personal: text('personal'),
  hash: text('hash').notNull(),
  mac: text('mac').notNull(),
})

/** A key for whomever the personal part of an entry is about, sealed by the key ring. Without its key nobody reads that part. */
export const auditSubjectKeys = plinth.table('audit_subject_keys', {
  tenantId: uuid('tenant_id').notNull(),
  id: uuid('id').notNull(),
  subject: text('subject').notNull(),
  sealed: text('sealed').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
})

/** The last checkpoint of each chain, and what was found to be wrong with it. */
export const auditCheckpoints = plinth.table('audit_checkpoints', {
  tenantId: uuid('tenant_id').notNull(),
  checkpoint: text('checkpoint'),
  fault: text('fault'),
  lookedAt: timestamp('looked_at', { withTimezone: true }).notNull(),
})
