import type { SessionParts } from './scoped-session.ts'

/** The same for a transaction: what is to be told is kept until it is committed, once each. */
export function committing(session: SessionParts, after: Set<() => void>): SessionParts {
  const written = new Set<string>()
  return {
    ...session,
    onEvent: () => void after.add(session.onEvent),
    onWrite(tenantId, resource) {
      if (written.has(`${tenantId}|${resource}`)) return
      written.add(`${tenantId}|${resource}`)
      after.add(() => session.onWrite(tenantId, resource))
    },
    onCommit: (call) => void after.add(call),
  }
}
