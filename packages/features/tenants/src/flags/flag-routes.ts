import {
  jsonAnswer,
  problem,
  readQuery,
  refuseQuery,
  validate,
  type InputFault,
  type PersonalCall,
  type PersonalRoute,
  type TextAnswer,
} from '@plinth/core'
import { z } from 'zod'
import { sayForAll, sayInTenant, type LayerStore, type Saying } from '../settings/layer-store.ts'
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
      for (const saying of sayings) await sayInTenant(transaction, { tenantId }, now, saying)
      return jsonAnswer(200, '{}')
    })
    return list(tenantId, call.principal.userId)
  }

  async function listAsOperator(call: PersonalCall): Promise<TextAnswer> {
    const parameters = readQuery(call.search)
    for (const name of parameters.keys())
      if (name !== 'tenant')
        throw problem('invalid_query', {
          errors: [{ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message: 'Allowed: tenant' }],
        })
    return list(await tenantIdOf(call, parameters.get('tenant')), null)
  }

  async function changeAsOperator(call: PersonalCall): Promise<TextAnswer> {
    refuseQuery(call)
    const { platform } = call
    const { tenant, flags } = validate(patchOfAll, call.body)
    const tenantId = await tenantIdOf(call, tenant)
    const sayings = sayingsOf(flags, '/flags', 'platform')
    const now = platform.clock.now()
    await platform.database.system(async (system) => {
      for (const saying of sayings)
        await (tenantId === undefined ? sayForAll(system, now, saying) : sayInTenant(system, { tenantId }, now, saying))
    })
    return list(tenantId, null)
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
async function tenantIdOf({ platform }: PersonalCall, named: string | undefined): Promise<string | undefined> {
  if (named === undefined) return undefined
  const tenant = await platform.database.findTenant(named)
  if (!tenant) throw problem('not_found')
  return tenant.id
}
