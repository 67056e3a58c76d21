import type { RoleDefinition } from '@plinth/rbac'

/** The work with a client's sites, and what hangs on them. */
const clientWork = ['site', 'environment', 'monitor'] as const

/** Roles of an agency beside the built-in ones. */
export const lookoutRoles: Readonly<Record<string, RoleDefinition>> = {
  client_manager: {
    description: 'Looks after the clients of his groups, and sees no others',
    permissions: [
      ...clientWork.flatMap((model) => ['create', 'read', 'update', 'delete'].map((verb) => `${model}:${verb}:group`)),
      'monitor:check:group',
      'monitorTemplate:read',
      'environmentTemplate:read',
      'group:read',
    ],
  },
  watcher: {
    description: 'Checks pages, opens and resolves incidents: for the service accounts of agents',
    permissions: [
      ...['site', 'environment', 'monitor', 'incident'].map((model) => `${model}:read`),
      'monitor:update',
      'incident:create',
      'incident:update',
    ],
  },
  support: {
    description: 'Sees everything that may be asked about, and asks why somebody may or may not',
    permissions: [...clientWork, 'incident', 'agent', 'timelineEntry', 'user', 'group', 'role', 'userRole'].map(
      (model) => `${model}:read`,
    ),
  },
}
