import { hashToken, PermissionSet, type Credential, type CredentialReader, type Principal } from '@plinth/core'
import { keyReader } from './api-keys/key-reader.ts'
import type { Auth } from './auth-parts.ts'
import { isTokenOf } from './one-time/token.ts'
import { refuseCredential } from './refuse-credential.ts'
import type { FoundSession } from './sessions/find-session.ts'

/** Access tokens look like this and like nothing else that is shown as a bearer token. */
const looksSigned = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** API keys, access tokens, and the cookies of browsers. @param auth of the platform, once there is one */
export function credentialReaders(auth: () => Auth): readonly CredentialReader[] {
  return [
    keyReader(auth),
    {
      kinds: ['bearer'],
      async read({ value }) {
        if (!looksSigned.test(value)) return undefined
        const parts = auth()
        const { claims, fault } = await parts.tokens.verify(value)
        if (!claims) throw refuseCredential(parts, fault)
        const session = await parts.sessions.byId(claims.sessionId)
        // Another user under this id would be a token made for two.
        if (!session || session.userId !== claims.userId) throw refuseCredential(parts, 'session_ended')
        return principalOf(parts, session, claims.tenantId, 'bearer')
      },
    },
    {
      kinds: ['cookie'],
      async read({ value }) {
        const parts = auth()
        const session = isTokenOf('session', value) ? await parts.sessions.byHash(hashToken(value)) : undefined
        if (!session) throw refuseCredential(parts, 'session_ended')
        return principalOf(parts, session, session.tenantId, 'cookie')
      },
    },
  ]
}

function principalOf(
  auth: Auth,
  session: FoundSession,
  tenant: string | null,
  credential: Credential['kind'],
): Principal {
  auth.lastUse.note(session.id, session.lastSeenAt)
  return {
    kind: 'user',
    id: session.userId,
    name: session.name,
    userId: session.userId,
    groupIds: [],
    tenant,
    permissions: PermissionSet.none,
    rights: { member: session.userId },
    superadmin: session.superadmin,
    session: {
      id: session.id,
      credential,
      secondFactor: session.secondFactor,
      authenticatedAt: new Date(session.authenticatedAt),
    },
  }
}
