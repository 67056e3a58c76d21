import { statement, type Platform } from '@plinth/core'

/** A passkey as it is needed to believe an answer of it. */
export interface FoundPasskey {
  readonly id: string
  readonly userId: string
  readonly publicKey: string
}

/** @param of whose it has to be; undefined where he is found by it */
export async function findPasskey(
  { database }: Pick<Platform, 'database'>,
  credentialId: string,
  of?: string,
): Promise<FoundPasskey | undefined> {
  const [row] = await database.system((system) =>
    system.run(statement`
      select d.id, d.user_id, d.public_key from plinth.mfa_devices d join plinth.users u on u.id = d.user_id
      where d.credential_id = ${credentialId}::text and d.refused_at is null and u.status = 'active'
        and (${of ?? null}::text is null or d.user_id = ${of ?? null}::text::uuid)`),
  )
  return row && { id: String(row['id']), userId: String(row['user_id']), publicKey: String(row['public_key']) }
}

/** What a browser is told of somebody's passkeys, so that it offers these, or no second one on the same device. */
export async function passkeysOf(
  { database }: Pick<Platform, 'database'>,
  userId: string,
): Promise<{ id: string; transports: string[] }[]> {
  const rows = await database.system((system) =>
    system.run(statement`
      select credential_id, transports from plinth.mfa_devices
      where user_id = ${userId}::uuid and kind = 'passkey' order by created_at, id`),
  )
  return rows.map((row) => ({ id: String(row['credential_id']), transports: row['transports'] as string[] }))
}

/** The name under which an authenticator keeps somebody: his id, which tells nothing of him (WebAuthn §14.6.1). */
export function userHandleOf(userId: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(userId.replaceAll('-', ''), 'hex'))
}

/** Whether the authenticator keeps this very user under the passkey. */
export function isHandleOf(userId: string, shown: string | null | undefined): boolean {
  return shown != null && Buffer.from(shown, 'base64url').equals(userHandleOf(userId))
}
