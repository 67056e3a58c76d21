/** Above all tenants; nobody has it in one, and no tenant may call a role so. */
export const SUPERADMIN = 'superadmin'

/** The roles that there are without a word of the product. What an owner and an admin may do is said here alone. */
export const usualRoles: readonly string[] = ['owner', 'admin', 'developer', 'user', 'read_only']

/** Lower-case words: names stand in tokens, logs and URLs, and two that differ in case would be taken for one. */
export const ROLE_NAME = /^[a-z][a-z0-9_-]{0,62}$/
