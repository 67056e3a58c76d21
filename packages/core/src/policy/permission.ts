/**
 * A permission is three parts: model, action, scope (`site:update:own`). `*` stands for every model or action. Without a
 * scope it means `all`.
 */
export const scopes = ['all', 'group', 'own'] as const
export type PermissionScope = (typeof scopes)[number]

export interface Permission {
  readonly model: string
  readonly action: string
  readonly scope: PermissionScope
}

/** Reads `site:update:own`, `site:update`, `site:*`, `*`; undefined when the text is none of these. */
export function parsePermission(text: string): Permission | undefined {
  const parts = text.split(':')
  if (parts.length > 3 || parts.some((part) => part === '')) return undefined
  const [model = '*', action = '*', scope = 'all'] = parts
  if (!(scopes as readonly string[]).includes(scope)) return undefined
  return { model, action, scope: scope as PermissionScope }
}

/** The three parts as one text, always all three: `site:update` is `site:update:all`. */
export function formatPermission({ model, action, scope }: Permission): string {
  return `${model}:${action}:${scope}`
}
