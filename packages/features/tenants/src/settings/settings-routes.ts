import { audited, jsonAnswer, refuseQuery, type PersonalCall, type PersonalRoute, type TextAnswer } from '@plinth/core'
import { z } from 'zod'
import { tenancyEvents } from '../log-events.ts'
import { layers, type SettingDeclarations, type Layer } from './declaration.ts'
import { shownSettings } from './effective.ts'
import { sayForAll, sayInTenant, type Audience, type LayerStore } from './layer-store.ts'
import { readSayings } from './read-sayings.ts'
import { changesOf, saidBefore } from './said-before.ts'

const shown = z
  .object({
    settings: z.record(
      z.string(),
      z.object({
        value: z.unknown().optional().describe('Absent for secrets, which are never read back'),
        from: z.enum(['default', ...layers]).describe('Which layer said it'),
        scope: z.enum(layers).describe('The narrowest layer that may say it'),
        secret: z.boolean(),
        description: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Settings' })

const patch = z
  .record(z.string(), z.unknown())
  .describe('By key; null takes back what was said')
  .meta({ id: 'SettingsPatch' })

const common = { public: false, tag: 'setting', origin: 'platform' } as const
const answers = [{ status: 200, description: 'What holds, and which layer says it', schema: shown }] as const
const bodyErrors = ['validation_failed', 'invalid_query', 'unsupported_media_type', 'body_too_large'] as const

/** `/settings` of the tenant, `/settings/me` of oneself, `/admin/settings` of the operator. */
export function settingsRoutes(declared: SettingDeclarations, store: LayerStore): readonly PersonalRoute[] {
  const ofTenant = { ...common, personal: 'anyone', inTenant: true, path: '/api/v1/settings' } as const
  const mine = { ...common, personal: 'user', inTenant: true, path: '/api/v1/settings/me' } as const
  const ofAll = { ...common, personal: 'superadmin', inTenant: false, path: '/api/v1/admin/settings' } as const
  const read = { method: 'GET', errors: ['invalid_query'], answers } as const
  const write = { method: 'PATCH', body: { schema: patch, mergePatch: true }, errors: bodyErrors, answers } as const
  return [
    {
      ...ofTenant,
      ...read,
      needs: 'setting:read',
      operationId: 'readSettings',
      summary: 'Read the settings of the tenant',
      handle: (call) => show(call, 'tenant'),
    },
    {
      ...ofTenant,
      ...write,
      needs: 'setting:update',
      operationId: 'updateSettings',
      summary: 'Change settings of the tenant (JSON merge patch; null takes back)',
      handle: (call) => change(call, 'tenant'),
    },
    {
      ...mine,
      ...read,
      operationId: 'readOwnSettings',
      summary: 'Read the settings that one may change for oneself',
      handle: (call) => show(call, 'user'),
    },
    {
      ...mine,
      ...write,
      operationId: 'updateOwnSettings',
      summary: 'Change settings for oneself (JSON merge patch; null takes back)',
      handle: (call) => change(call, 'user'),
    },
    {
      ...ofAll,
      ...read,
      operationId: 'readPlatformSettings',
      summary: 'Read the settings of the platform, as the operator',
      handle: (call) => show(call, 'platform'),
    },
    {
      ...ofAll,
      ...write,
      operationId: 'updatePlatformSettings',
      summary: 'Change settings for all tenants, as the operator',
      handle: (call) => change(call, 'platform'),
    },
  ]

  async function show(call: PersonalCall, layer: Layer): Promise<TextAnswer> {
    refuseQuery(call)
    const audience = audienceOf(call, layer)
    const said = await store.said(audience, { fresh: true })
    const settings = shownSettings(call.platform.secrets, declared, said, audience, layer)
    return jsonAnswer(200, JSON.stringify({ settings }))
  }

  async function change(call: PersonalCall, layer: Layer): Promise<TextAnswer> {
    refuseQuery(call)
    const { platform, scope } = call
    const audience = audienceOf(call, layer)
    const sayings = readSayings(platform.secrets, declared, call.body, layer, audience)
    const now = platform.clock.now()
    // What somebody says for himself is his own: it may be personal, and entries stay.
    const isMasked = (key: string): boolean => layer === 'user' || declared[key]?.secret === true
    if (!audience || !scope) {
      const keys = sayings.map(({ key }) => key)
      await platform.database.system(async (system) => {
        const changes = changesOf(await saidBefore(system, undefined, sayings), sayings, isMasked)
        for (const saying of sayings) await sayForAll(system, now, saying)
        await audited(system, call, { action: 'setting.updated', tenantId: null, detail: { keys, layer }, changes })
      })
      platform.log.info(tenancyEvents.platformSettingsChanged, {
        requestId: call.requestId,
        by: call.principal.id,
        keys,
      })
      store.forget(undefined)
      return show(call, layer)
    }
    await call.transact(async (transaction) => {
      const changes = changesOf(await saidBefore(transaction, audience, sayings), sayings, isMasked)
      for (const saying of sayings) await sayInTenant(transaction, audience, now, saying)
      if (sayings.length > 0) {
        const keys = sayings.map(({ key }) => key)
        await transaction.emit({ type: 'setting.updated', key: audience.tenantId, data: { keys, layer }, changes })
      }
      return jsonAnswer(200, '{}')
    })
    store.forget(audience)
    return show(call, layer)
  }
}

/** The tenant of the request, and the caller where it is about himself. */
export function audienceOf({ tenant, principal }: PersonalCall, layer: Layer): Audience | undefined {
  if (!tenant || layer === 'platform') return undefined
  return { tenantId: tenant.id, ...(layer === 'user' && { userId: principal.userId }) }
}
