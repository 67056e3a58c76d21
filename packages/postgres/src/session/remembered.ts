import type { AclSaying, Member, Tenant } from '@plinth/core'
import { AclLookup } from './acl-lookup.ts'
import type { Ask } from './ask.ts'
import { MemberLookup } from './member-lookup.ts'
import type { Runner } from './runner.ts'
import { TenantLookup } from './tenant-lookup.ts'

/** What every request asks of tenants, members and the ACL, and who else is told when it is to be forgotten. */
export class Remembered {
  readonly #tenants: TenantLookup
  readonly #members: MemberLookup
  readonly #acl: AclLookup
  readonly #listeners: readonly (() => void)[]

  /** @param listeners may grow later */
  constructor(runner: Runner, listeners: readonly (() => void)[]) {
    const ask: Ask = (text, parameters) => runner.run({ text, parameters, shape: 'fixed' }, 'read')
    this.#tenants = new TenantLookup(ask)
    this.#members = new MemberLookup(ask)
    this.#acl = new AclLookup(ask)
    this.#listeners = listeners
  }

  tenant(idOrSlug: string): Promise<Tenant | undefined> {
    return this.#tenants.find(idOrSlug)
  }

  member(tenantId: string, userId: string): Promise<Member | undefined> {
    return this.#members.find(tenantId, userId)
  }

  acl(tenantId: string, subjects: readonly string[]): Promise<readonly AclSaying[] | undefined> {
    return this.#acl.find(tenantId, subjects)
  }

  forget(): void {
    this.#tenants.forget()
    this.#members.forget()
    this.#acl.forget()
    for (const listener of this.#listeners) listener()
  }
}
