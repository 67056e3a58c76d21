import {
  audited,
  jsonAnswer,
  problem,
  readQuery,
  refuseQuery,
  scopeOf,
  validate,
  type InputFault,
  type PersonalCall,
  type PersonalRoute,
  type Tenant,
  type TextAnswer,
  type Transaction,
} from '@plinth/core'
import { z } from 'zod'
import { tenancyEvents } from '../log-events.ts'
import { sayForAll, sayInTenant, type LayerStore, type Saying } from '../settings/layer-store.ts'
import { changesOf, saidBefore } from '../settings/said-before.ts'
import { flagRule, isEnabled, ruleOf, type FlagDeclarations } from './evaluate.ts'

const shown = z
  .object({
    data: z.array(
      z.object({
        key: z.string(),
        enabled: z.boolean().describe('For whoever asks; in the list of the operator, for everybody'),
        rule: flagRule,
        from: z.enum(['default', 'platform', 'tenant']).describe('Which layer said it'),
        scope: z.enum(['platform', 'tenant']),
        description: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'FeatureFlags' })

const rules = z
  .record(z.string(), z.union([z.boolean(), flagRule, z.null()]))
  .describe('By key: a rule, true or false for short; null takes back what was said')
const patch = rules.meta({ id: 'FeatureFlagsPatch' })
const patchOfAll = z
  .object({ tenant: z.string().max(63).optional().describe('Id or slug; without one, for all'), flags: rules })
  .meta({ id: 'PlatformFlagsPatch' })

const common = { public: false, tag: 'feature-flag', origin: 'platform' } as const
const answers = [{ status: 200, description: 'All flags', schema: shown }] as const
const bodyErrors = ['validation_failed', 'invalid_query', 'unsupported_media_type', 'body_too_large'] as const

/** `/feature-flags` in the tenant, `/admin/feature-flags` of the operator: for all, or for one tenant. */
export function flagRoutes(declared: FlagDeclarations, store: LayerStore): readonly PersonalRoute[] {
  const inTenant = { ...common, personal: 'anyone', inTenant: true, path: '/api/v1/feature-flags' } as const
  const ofAll = { ...common, personal: 'superadmin', inTenant: false, path: '/api/v1/admin/feature-flags' } as const
  return [
    {
      ...inTenant,
      method: 'GET',
      operationId: 'listFeatureFlag',
      summary: 'List the feature flags, and whether each is on for you',
      errors: ['invalid_query'],
      answers,
      handle(call) {
        refuseQuery(call)
        return list(call.tenant!.id, call.principal.userId)
      },
    },
    {
      ...inTenant,
      method: 'PATCH',
      needs: 'featureFlag:update',
      operationId: 'updateFeatureFlag',
      summary: 'Switch feature flags in the tenant, where it may',
      body: { schema: patch, mergePatch: true, example: { 'new-editor': { enabled: true, percentage: 20 } } },
      errors: bodyErrors,
      answers,
      handle: changeInTenant,
    },
    {
      ...ofAll,
      method: 'GET',
      operationId: 'listAllFeatureFlags',
      summary: 'List the feature flags, as the operator: for all, or in one tenant',
      query: [{ name: 'tenant', description: 'Id or slug', schema: z.string() }],
      errors: ['invalid_query', 'not_found'],
      answers,
      handle: listAsOperator,
    },
    {
      ...ofAll,
      method: 'PATCH',
      operationId: 'updateAllFeatureFlags',
      summary: 'Switch feature flags, as the operator: for all, or in one tenant',
      body: { schema: patchOfAll, mergePatch: true, example: { flags: { 'new-editor': true } } },
      errors: [...bodyErrors, 'not_found'],
      answers,
      handle: changeAsOperator,
    },
  ]

  async function list(tenantId: string | undefined, userId: string | null): Promise<TextAnswer> {
    const said = await store.said(tenantId === undefined ? undefined : { tenantId }, { fresh: true })
    const data = Object.entries(declared).map(([key, flag]) => {
      const { from, ...rule } = ruleOf(key, flag, said)
      const unit = userId ?? tenantId
      const enabled = unit === undefined ? rule.enabled && (rule.percentage ?? 100) === 100 : isEnabled(key, rule, unit)
      const { description, scope = 'platform' } = flag
      return { key, enabled, rule, from, scope, ...(description !== undefined && { description }) }
    })
    return jsonAnswer(200, JSON.stringify({ data }))
  }

  async function changeInTenant(call: PersonalCall): Promise<TextAnswer> {
    refuseQuery(call)
    const { platform, tenant } = call
    const tenantId = tenant!.id
    const sayings = sayingsOf(validate(patch, call.body), '', 'tenant')
    const now = platform.clock.now()
    await call.transact(async (transaction) => {
      await say(transaction, tenantId, now, sayings)
      return jsonAnswer(200, '{}')
    })
    store.forget({ tenantId })
    return list(tenantId, call.principal.userId)
  }

  async function listAsOperator(call: PersonalCall): Promise<TextAnswer> {
    refuseQuery(call, ['tenant'])
    const tenant = await tenantOf(call, readQuery(call.search).get('tenant'))
    return list(tenant?.id, null)
  }

  async function changeAsOperator(call: PersonalCall): Promise<TextAnswer> {
    refuseQuery(call)
    const { platform, principal, requestId, client } = call
    const { tenant: named, flags } = validate(patchOfAll, call.body)
    const tenant = await tenantOf(call, named)
    const sayings = sayingsOf(flags, '/flags', 'platform')
    const now = platform.clock.now()
    const keys = sayings.map(({ key }) => key)
    await platform.database.system(async (system) => {
      if (tenant) {
        const within = await system.within(scopeOf(platform, { principal, tenant, requestId, client }))
        return say(within, tenant.id, now, sayings)
      }
      const changes = changesOf(await saidBefore(system, undefined, sayings), sayings)
      for (const saying of sayings) await sayForAll(system, now, saying)
      return audited(system, call, { action: 'featureFlag.updated', tenantId: null, detail: { keys }, changes })
    })
    if (!tenant) platform.log.info(tenancyEvents.platformFlagsChanged, { requestId, by: principal.id, keys })
    store.forget(tenant && { tenantId: tenant.id })
    return list(tenant?.id, null)
  }

  /** Whoever switches them: the tenant's own people, or the operator for this tenant. */
  async function say(transaction: Transaction, tenantId: string, now: Date, sayings: readonly Saying[]): Promise<void> {
    const changes = changesOf(await saidBefore(transaction, { tenantId }, sayings), sayings)
    for (const saying of sayings) await sayInTenant(transaction, { tenantId }, now, saying)
    if (sayings.length === 0) return
    const keys = sayings.map(({ key }) => key)
    await transaction.emit({ type: 'featureFlag.updated', key: tenantId, data: { keys }, changes })
  }

  function sayingsOf(given: z.output<typeof rules>, at: string, who: 'platform' | 'tenant'): readonly Saying[] {
    const faults: InputFault[] = []
    for (const key of Object.keys(given)) {
      const path = `${at}/${key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`
      const flag = Object.hasOwn(declared, key) ? declared[key] : undefined
      if (!flag) faults.push({ path, code: 'unknown_field', message: 'There is no such flag' })
      else if (who === 'tenant' && flag.scope !== 'tenant')
        faults.push({ path, code: 'not_settable', message: 'It is switched by the operator' })
    }
    if (faults.length > 0) throw problem('validation_failed', { errors: faults.slice(0, 100) })
    return Object.entries(given).map(([key, rule]) => {
      const whole = typeof rule === 'boolean' ? { enabled: rule } : rule
      return { kind: 'flag', key, value: whole === null ? null : JSON.stringify(whole), sealed: null }
    })
  }
}

/** @throws not_found */
async function tenantOf({ platform }: PersonalCall, named: string | undefined): Promise<Tenant | undefined> {
  if (named === undefined) return undefined
  const tenant = await platform.database.findTenant(named)
  if (!tenant) throw problem('not_found')
  return tenant
}
