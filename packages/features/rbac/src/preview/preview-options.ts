import { problem, type CommandOption, type Context, type Platform, type Transaction } from '@plinth/core'
import { aclInput, type AclInput } from '../acl-input.ts'
import { findMember } from '../member-principals.ts'
import { holderOf } from '../user-role-input.ts'
import { readPolicyFile, usableHere } from './policy-file.ts'
import { policiesOf } from './preview-policies.ts'
import type { Considered } from './preview.ts'

const kinds = [
  'permissions',
  'delete',
  'give',
  'take',
  'join',
  'leave',
  'plan',
  'allow',
  'deny',
  'entry',
  'without',
  'policies',
  'policies-before',
] as const

const text = (description: string) => ({ type: 'string', description }) as const
const word = (description: string) => ({ type: 'boolean', description }) as const

/** What `plinth roles:preview` is asked. */
export const previewOptions: Readonly<Record<string, CommandOption>> = {
  tenant: { ...text('id or slug of the tenant'), required: true },
  role: text('the role that is to be changed, given or taken'),
  permissions: text('what the role is to have instead, separated by commas'),
  delete: word('the role is to be taken from everybody and deleted'),
  give: word('the role is to be given to --user, --group or --service'),
  take: word('the role is to be taken from --user, --group or --service'),
  join: word('--user is to be put into --group'),
  leave: word('--user is to be taken out of --group'),
  plan: text('the plan that the tenant is to have'),
  tier: text('the tier that it is to have, with --plan'),
  allow: text('an entry of the ACL is to allow this (Site.update) to --user, --group, --role, --service or --key'),
  deny: text('an entry of the ACL is to deny this'),
  record: text('on this row alone, with --allow and --deny'),
  entry: text('this entry of the ACL is to be taken back'),
  without: text('these policies are to go, by name, separated by commas'),
  policies: text('a file of policies:write: they are to be instead of those of this project'),
  'policies-before': text('a file of policies:write: they were there before those of this project'),
  user: text('a member, by id or e-mail address'),
  group: text('id of a group'),
  service: text('id of a service account'),
  key: text('id of an API key'),
}

type Options = Readonly<Record<string, string | boolean | undefined>>

/** What is asked, and which policies of a file speak of nothing that is here. */
export interface PreviewQuestion {
  readonly change: Considered
  readonly aside: readonly string[]
}

/** @throws validation_failed in words for whoever types */
export async function readQuestion(
  platform: Platform,
  { tenant }: Context,
  transaction: Transaction,
  options: Options,
): Promise<PreviewQuestion> {
  const given = kinds.filter((kind) => options[kind] !== undefined && options[kind] !== false)
  const [change] = given
  if (change === undefined || given.length > 1)
    throw wrong(`Say one of ${kinds.map((kind) => `--${kind}`).join(', ')}.`)
  const needed = (name: string): string => {
    const value = options[name]
    if (typeof value !== 'string' || value === '') throw wrong(`--${name} is missing.`)
    return value
  }
  const several = (name: string): readonly string[] =>
    needed(name)
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  const idOf = (name: string): string => {
    const value = needed(name).toLowerCase()
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) throw wrong(`--${name} is no id.`)
    return value
  }
  const user = async (): Promise<string> => {
    const found = await findMember(transaction, tenant, needed('user'))
    if (!found) throw wrong('There is no such member of the tenant (--user).')
    return found.id
  }
  const oneOf = (names: readonly string[]): string => {
    const named = names.filter((name) => options[name] !== undefined)
    if (named.length !== 1) throw wrong(`Say one of ${names.map((name) => `--${name}`).join(', ')}.`)
    return named[0]!
  }
  const whole = (asked: Considered): PreviewQuestion => ({ change: asked, aside: [] })
  switch (change) {
    case 'permissions':
      return whole({ change, role: needed('role'), permissions: several('permissions') })
    case 'delete':
      return whole({ change, role: needed('role') })
    case 'plan': {
      const tier = options['tier']
      return whole({ change, plan: needed('plan'), ...(typeof tier === 'string' && { tier }) })
    }
    case 'join':
    case 'leave':
      return whole({ change, groupId: idOf('group'), userId: await user() })
    case 'give':
    case 'take': {
      const named = oneOf(['user', 'group', 'service'])
      const id = named === 'user' ? await user() : idOf(named)
      const holder = holderOf({
        userId: named === 'user' ? id : undefined,
        groupId: named === 'group' ? id : undefined,
        serviceAccountId: named === 'service' ? id : undefined,
      })
      return whole({ change, role: needed('role'), holder })
    }
    case 'allow':
    case 'deny': {
      const named = oneOf(['user', 'group', 'role', 'service', 'key'])
      const kind = named === 'key' ? 'apiKey' : named
      const id = named === 'user' ? await user() : needed(named)
      const entry = { resource: needed(change), recordId: options['record'], principal: { kind, id }, effect: change }
      return whole({ change: 'acl', entry: readEntry(entry) })
    }
    case 'entry':
      return whole({ change: 'acl', deleted: idOf('entry') })
    case 'without':
      return whole({ change: 'policies', without: several('without') })
    case 'policies': {
      const coming = readPolicyFile(needed(change))
      const going = policiesOf(platform).filter(({ name }) => coming.every((one) => one.name !== name))
      return whole({ change: 'policies', with: coming, without: going.map(({ name }) => name) })
    }
    case 'policies-before': {
      const { policies, aside } = usableHere(platform.registry, readPolicyFile(needed(change)))
      return { change: { change: 'policies', before: policies }, aside }
    }
  }
}

function readEntry(given: object): AclInput {
  const result = aclInput.safeParse(given)
  if (result.success) return result.data
  throw wrong(result.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('. '))
}

const wrong = (detail: string): Error => problem('validation_failed', { detail })
