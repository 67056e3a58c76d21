import { PermissionSet, type Client, type CredentialReader, type Principal } from '@plinth/core'
import type { Auth } from '../auth-parts.ts'
import { refuseCredential } from '../refuse-credential.ts'
import type { FoundKey } from './find-key.ts'
import { isInRanges } from './ip-ranges.ts'
import { looksLikeApiKey, readApiKey } from './key-format.ts'

/**
 * API keys, as a bearer token or in `X-API-Key`. Every way in which one is wrong is answered alike: whether a key is known, too old or
 * shown from the wrong place is for the log.
 */
export function keyReader(auth: () => Auth): CredentialReader {
  return {
    kinds: ['bearer', 'apiKey'],
    async read({ value }, { client }) {
      if (!looksLikeApiKey(value)) return undefined
      const parts = auth()
      const shown = readApiKey(value)
      if (!shown) throw refuseCredential(parts, 'api_key_malformed')
      const key = await parts.apiKeys.byHash(shown.hash)
      if (!key) throw refuseCredential(parts, 'api_key_ended')
      if (!isFromHome(key, client)) throw refuseCredential(parts, 'api_key_address')
      parts.keyUse.note(key.id, key.lastUsedAt ?? 0)
      return principalOf(key)
    },
  }
}

/** A sender whose address nobody told is nowhere, and so not in a range. */
function isFromHome({ ipRanges }: FoundKey, { address }: Client): boolean {
  return ipRanges.length === 0 || (address !== undefined && isInRanges(ipRanges, address))
}

/**
 * A person's key may do what its role and his membership both allow, drawn anew in every request; a service may do what its roles
 * allow, and answers for itself.
 */
export function principalOf(key: FoundKey): Principal {
  const { holder, name, roles } = key
  const common = {
    name,
    groupIds: [],
    tenant: key.tenantId,
    permissions: PermissionSet.none,
    ...(key.rate && { rate: key.rate }),
    session: {
      id: key.id,
      credential: 'apiKey',
      secondFactor: key.secondFactor,
      authenticatedAt: new Date(key.createdAt),
    },
  } as const
  return 'userId' in holder
    ? { ...common, kind: 'apiKey', id: key.id, userId: holder.userId, rights: { member: holder.userId, roles } }
    : { ...common, kind: 'service', id: holder.serviceAccountId, userId: null, rights: { roles } }
}
