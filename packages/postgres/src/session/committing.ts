import type { SessionParts } from './scoped-session.ts'

/** The same for a transaction: what is to be told is kept until it is committed, once each. */
export function committing(session: SessionParts, after: Set<() => void>): SessionParts {
  return {
    ...session,
    onEvent: () => void after.add(session.onEvent),
    onCommit: (call) => void after.add(call),
  }
}
