import { asSystem, problem, type Context, type FeatureCommand, type Transaction } from '@plinth/core'
import type { DefinitionsOf } from '../definitions.ts'
import { findMember } from '../member-principals.ts'
import { storedTexts } from '../tenant-policies.ts'
import { holderOf } from '../user-role-input.ts'
import { namesOf } from './holders.ts'
import { previewChange, type ConsideredChange } from './preview-change.ts'
import { previewPlan, type ConsideredPlan } from './preview-plan.ts'

const kinds = ['permissions', 'delete', 'give', 'take', 'join', 'leave', 'plan'] as const
/** Lines at most; the counts say how many there are. */
const MOST_LINES = 200

/** `plinth roles:preview`: who would gain and lose what, before it is done. */
export function previewCommand(definitions: DefinitionsOf): FeatureCommand {
  const text = (description: string) => ({ type: 'string', description }) as const
  const word = (description: string) => ({ type: 'boolean', description }) as const
  return {
    name: 'roles:preview',
    summary: 'say who would gain and lose what by a change of roles; nothing is written',
    options: {
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
      user: text('a member, by id or e-mail address'),
      group: text('id of a group'),
      service: text('id of a service account'),
    },
    async run(platform, options) {
      const { registry } = platform
      return asSystem(platform, 'preview of roles', String(options['tenant']), async (context, transaction) => {
        const change = await readChange(definitions, context, transaction, options)
        const known = { registry, definitions: definitions.known }
        const preview =
          change.change === 'plan'
            ? await previewPlan(known, transaction, context.tenant, change)
            : await previewChange(known, transaction, context.tenant.id, change)
        const shown = preview.affected.slice(0, MOST_LINES)
        const names = await namesOf(
          transaction,
          context.tenant.id,
          shown.filter(({ kind }) => kind === 'member').map(({ id }) => id),
        )
        const { holders, gaining, losing } = preview
        return {
          holders,
          gaining,
          losing,
          ...Object.fromEntries(
            shown.map(({ kind, id, gained, lost }) => [
              [kind, id, names.get(id)].filter(Boolean).join(' '),
              [...gained.map((one) => `+${one}`), ...lost.map((one) => `-${one}`)].join(' '),
            ]),
          ),
        }
      })
    },
  }
}

type Options = Readonly<Record<string, string | boolean | undefined>>

/** @throws validation_failed in words for whoever types */
async function readChange(
  definitions: DefinitionsOf,
  { tenant }: Context,
  transaction: Transaction,
  options: Options,
): Promise<ConsideredChange | ConsideredPlan> {
  const given = kinds.filter((kind) => options[kind] !== undefined && options[kind] !== false)
  const [change] = given
  if (change === undefined || given.length > 1)
    throw wrong(`Say one of ${kinds.map((kind) => `--${kind}`).join(', ')}.`)
  const needed = (name: string): string => {
    const value = options[name]
    if (typeof value !== 'string' || value === '') throw wrong(`--${name} is missing.`)
    return value
  }
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
  switch (change) {
    case 'permissions': {
      const texts = needed('permissions')
        .split(',')
        .filter((one) => one.trim() !== '')
      const permissions = storedTexts(
        definitions,
        texts.map((one) => one.trim()),
      )
      return { change, role: needed('role'), permissions }
    }
    case 'delete':
      return { change, role: needed('role') }
    case 'plan': {
      const tier = options['tier']
      return { change, plan: needed('plan'), ...(typeof tier === 'string' && { tier }) }
    }
    case 'join':
    case 'leave':
      return { change, groupId: idOf('group'), userId: await user() }
    case 'give':
    case 'take': {
      const named = (['user', 'group', 'service'] as const).filter((name) => options[name] !== undefined)
      if (named.length !== 1) throw wrong('Say one of --user, --group, --service.')
      const holder = holderOf({
        userId: options['user'] === undefined ? undefined : await user(),
        groupId: options['group'] === undefined ? undefined : idOf('group'),
        serviceAccountId: options['service'] === undefined ? undefined : idOf('service'),
      })
      return { change, role: needed('role'), holder }
    }
  }
}

const wrong = (detail: string): Error => problem('validation_failed', { detail })
