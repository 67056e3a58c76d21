import { platformTable } from '@plinth/core'
import { boolean, jsonb, pgSchema, text, uuid } from 'drizzle-orm/pg-core'

/** Roles that a tenant makes itself. Those that are built in are code, and no rows. */
export const roles = platformTable('roles', {
  name: text().notNull(),
  description: text(),
  /** As they were written; in three parts they stand in `plinth.role_permissions`. */
  permissions: jsonb().$type<readonly string[]>().notNull().default([]),
  builtIn: boolean().notNull().default(false),
})

/** Permissions with a wildcard that a tenant keeps in its catalogue. Those of a model and an action that there is are code. */
export const permissions = platformTable('permissions', {
  /** The three parts as one text, written by code. */
  name: text().notNull().default(''),
  model: text().notNull(),
  action: text().notNull(),
  scope: text({ enum: ['all', 'group', 'own'] })
    .notNull()
    .default('all'),
  description: text(),
  builtIn: boolean().notNull().default(false),
})

/**
 * Who has which role, by the role's name: a member, a group or a service account, one of the three in each row. The table is the
 * platform's own, since members are.
 */
export const userRoles = platformTable('user_roles', {
  userId: uuid(),
  groupId: uuid(),
  serviceAccountId: uuid(),
  role: text().notNull(),
})

/** What the permissions of each role are in three parts, written by the database. */
export const rolePermissions = pgSchema('plinth').table('role_permissions', {
  tenantId: uuid('tenant_id').notNull(),
  roleId: uuid('role_id').notNull(),
  model: text('model').notNull(),
  action: text('action').notNull(),
  scope: text('scope').notNull(),
})
