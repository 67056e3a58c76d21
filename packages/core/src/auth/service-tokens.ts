import { hash } from 'node:crypto'
import type { StartupFault } from '../errors/startup-error.ts'
import type { Feature } from '../feature/feature.ts'
import { buildPermissionSet } from '../policy/permission-set.ts'
import type { Registry } from '../platform/registry.ts'
import { isUuid } from '../resource/row-id.ts'
import type { Principal } from './principal.ts'

/** A machine that may call the API: its name, its token (or the token's hash), its tenant, and what it may do. */
export interface ServiceToken {
  /** Shown in logs and records. Unique. */
  readonly name: string
  /** At least 32 characters. Prefer {@link tokenSha256}: then the secret itself is in no configuration. */
  readonly token?: string | undefined
  /** SHA-256 of the token in hex. */
  readonly tokenSha256?: string | undefined
  /** Id or slug. May be left out with `singleTenant()`. */
  readonly tenant?: string | undefined
  /** `site:read`, `site:*`, `*`; a scope may follow (`site:update:own`). */
  readonly permissions: readonly string[]
  /** Ids of the groups that it is in, for permissions of the scope `group`. */
  readonly groups?: readonly string[] | undefined
}

/**
 * Bearer tokens from the configuration, for machines. Only their hashes are kept in memory; the same token twice, a short
 * one or an unknown permission is a fault at start.
 */
export function serviceTokens(tokens: readonly ServiceToken[]): Feature {
  const principals = new Map<string, Principal>()
  return {
    name: 'service-tokens',
    slots: {
      auth: [
        {
          kinds: ['bearer'],
          // A Map lookup by hash leaks no useful time: who can steer SHA-256 towards a stored value has broken it.
          read: (credential) => principals.get(hash('sha256', credential.value, 'hex')),
        },
      ],
      principals: [
        {
          kind: 'service',
          find: (name) => [...principals.values()].find((principal) => principal.name === name),
          names: () => [...principals.values()].map((principal) => principal.name),
        },
      ],
    },
    verify(registry) {
      const faults: StartupFault[] = []
      tokens.forEach((token, index) => addToken(principals, registry, token, `serviceTokens[${index}]`, faults))
      return faults
    },
  }
}

function addToken(
  principals: Map<string, Principal>,
  registry: Registry,
  token: ServiceToken,
  path: string,
  faults: StartupFault[],
): void {
  const digest = digestOf(token, path, faults)
  const implicit = registry.features.some((feature) => feature.slots?.tenant !== undefined)
  if (token.tenant === undefined && !implicit) {
    faults.push({
      path,
      problem: `'${token.name}' has no tenant`,
      fix: "tenant: 'acme', or add singleTenant() to features",
    })
  }
  const { set, unknown } = buildPermissionSet(registry.permissions, token.permissions)
  for (const permission of unknown) {
    faults.push({
      path: `${path}.permissions`,
      problem: `'${permission}' is no permission`,
      fix: `use one of: ${registry.permissions.names.join(', ')}; or '<model>:*', '*'`,
    })
  }
  for (const group of token.groups ?? []) {
    if (isUuid(group)) continue
    faults.push({ path: `${path}.groups`, problem: `'${group}' is no id of a group`, fix: "groups: ['<uuid>']" })
  }
  if ([...principals.values()].some((principal) => principal.name === token.name)) {
    faults.push({ path, problem: `'${token.name}' is given twice`, fix: 'give each service its own name' })
  }
  if (digest === undefined) return
  if (principals.has(digest))
    faults.push({
      path,
      problem: 'has the token of another entry',
      fix: 'make a token for each: openssl rand -base64 32',
    })
  principals.set(digest, {
    kind: 'service',
    id: token.name,
    name: token.name,
    userId: null,
    groupIds: (token.groups ?? []).map((group) => group.toLowerCase()),
    tenant: token.tenant ?? null,
    permissions: set,
  })
}

function digestOf(token: ServiceToken, path: string, faults: StartupFault[]): string | undefined {
  const { token: secret, tokenSha256 } = token
  if ((secret === undefined) === (tokenSha256 === undefined)) {
    faults.push({
      path,
      problem: 'needs exactly one of `token` and `tokenSha256`',
      fix: 'tokenSha256: "<sha-256 of the token in hex>"',
    })
    return undefined
  }
  if (tokenSha256 !== undefined) {
    if (/^[0-9a-f]{64}$/i.test(tokenSha256)) return tokenSha256.toLowerCase()
    faults.push({ path: `${path}.tokenSha256`, problem: 'is no SHA-256 in hex', fix: 'printf %s "$TOKEN" | sha256sum' })
    return undefined
  }
  if (secret!.length >= 32 && /^[A-Za-z0-9._~+/=-]+$/.test(secret!)) return hash('sha256', secret!, 'hex')
  faults.push({
    path: `${path}.token`,
    problem: 'is shorter than 32 characters or holds characters that no bearer token has',
    fix: 'openssl rand -base64 32',
  })
  return undefined
}
