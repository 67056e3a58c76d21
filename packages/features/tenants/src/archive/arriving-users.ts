import { randomUUID } from 'node:crypto'
import { isMailAddress, statement, type RawRow, type SystemTransaction } from '@plinth/core'
import { archiveInvalid, isTime, limits, NAME_LENGTH, userColumns, type Section } from './format.ts'

interface ArchivedUser {
  readonly email: string | null
  readonly verified: string | null
  readonly id: string
  readonly name: string
  readonly status: string
  readonly username: string | null
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * Finds or makes the people of an archive. Somebody is found by his address only where it is verified on both sides: else whoever
 * registered with a stranger's address would come into the stranger's tenant. Or by id and address together, which is the same
 * account of the same platform. Who is made has no password and no other way in but a new one, sent to his address, which is not
 * verified before: what an archive says of that, anybody may have written. Nobody becomes an operator, and nothing of an account
 * that is here is changed.
 */
export class UsersArriving {
  /** Ids of the archive by ids here. Whoever is not in it is nobody. */
  readonly ids = new Map<string, string>()
  created = 0
  matched = 0
  readonly #notes: string[] = []
  readonly #system: SystemTransaction
  readonly #now: Date

  constructor(system: SystemTransaction, now: Date) {
    this.#system = system
    this.#now = now
  }

  /** Who was here already, and what those lack who were not, in words. */
  get notes(): readonly string[] {
    return this.#notes
  }

  /** @throws archive_invalid where the columns of the users are others */
  static assertColumns({ columns }: Section): void {
    if (JSON.stringify(columns) !== JSON.stringify(userColumns))
      throw archiveInvalid('The users of the archive have other columns than users have.')
  }

  /** @throws archive_invalid, already_exists where two of them are one */
  async take(rows: readonly (readonly (string | null)[])[]): Promise<void> {
    const users = rows.map(readUser)
    const found = await this.#system.run(statement`
      select w.n, i.id is not null as id_taken, i.id is not null and lower(i.email) = lower(w.email) as same,
        e.id as by_address, e.email_verified_at is not null as address_verified, n.id is not null as username_taken
      from jsonb_to_recordset(${JSON.stringify(users.map((user, n) => ({ ...user, n })))}::text::jsonb)
          w(n int, id uuid, email text, username text)
        left join plinth.users i on i.id = w.id
        left join plinth.users e on lower(e.email) = lower(w.email)
        left join plinth.users n on lower(n.username) = lower(w.username)
      order by w.n`)
    const made = users.flatMap((user, n) => this.#settle(user, found[n]!))
    if (made.length === 0) return
    await this.#system.run(statement`
      insert into plinth.users (id, email, username, name, status, superadmin, created_at, updated_at)
      select w.id, w.email, w.username, w.name, w.status, false, ${this.#now}::text::timestamptz, ${this.#now}::text::timestamptz
      from jsonb_to_recordset(${JSON.stringify(made)}::text::jsonb)
        w(id uuid, email text, username text, name text, status text)`)
  }

  /** @returns the user to make, if he is not here */
  #settle(user: ArchivedUser, here: RawRow): readonly ArchivedUser[] {
    if (this.ids.has(user.id)) throw archiveInvalid(`The archive has the user ${user.id} twice.`)
    if (this.ids.size >= limits.users) throw archiveInvalid(`The archive has more than ${limits.users} users.`)
    const byAddress = here['by_address'] === null ? undefined : String(here['by_address'])
    const sure = byAddress !== undefined && user.verified !== null && here['address_verified'] === true
    if (here['same'] === true || sure) {
      this.ids.set(user.id, here['same'] === true ? user.id : byAddress!)
      this.matched += 1
      this.#notes.push(`${user.email ?? ''} is the account ${this.ids.get(user.id)!} here, which becomes a member`)
      return []
    }
    const id = here['id_taken'] === true ? randomUUID() : user.id
    this.ids.set(user.id, id)
    this.created += 1
    if (byAddress !== undefined)
      this.#notes.push(
        `the user ${id} has no address here: it is that of another account, and not verified on both sides`,
      )
    if (here['username_taken'] === true) this.#notes.push(`the user ${id} has no user name here: it is another's`)
    return [
      {
        ...user,
        id,
        ...(byAddress !== undefined && { email: null }),
        ...(here['username_taken'] === true && { username: null }),
      },
    ]
  }
}

function readUser([email = null, verified = null, id, name, status, username = null]: readonly (
  | string
  | null
)[]): ArchivedUser {
  if (typeof id !== 'string' || !uuid.test(id) || name === null || name === undefined)
    throw archiveInvalid('A user of the archive has no id, or no name.')
  if (name.length > NAME_LENGTH)
    throw archiveInvalid(`The name of the user ${id} is longer than ${NAME_LENGTH} characters.`)
  if (status !== 'active' && status !== 'suspended')
    throw archiveInvalid(`The user ${id} of the archive is neither active nor suspended.`)
  // In the form in which accounts are made: another spelling of an address would be another account.
  if (email !== null && (email !== email.normalize('NFKC').trim() || !isMailAddress(email)))
    throw archiveInvalid(`The address of the user ${id} is none.`)
  if (username !== null && !/^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$/.test(username))
    throw archiveInvalid(`The user name of the user ${id} is none.`)
  if (email === null && verified !== null) throw archiveInvalid(`The user ${id} has no address that could be verified.`)
  if (verified !== null && !isTime(verified))
    throw archiveInvalid(`The address of the user ${id} was verified at no time.`)
  return { email, verified, id, name, status, username }
}
