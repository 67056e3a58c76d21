import {
  jsonAnswer,
  problem,
  refuseGrant,
  refuseQuery,
  validate,
  type PersonalCall,
  type PersonalRoute,
  type Scope,
} from '@plinth/core'
import { z } from 'zod'
import type { Auth } from '../auth-parts.ts'
import { newKeyExample, newKeySchema, readKeyDraft } from '../api-keys/key-input.ts'
import { makeKey, renewKey } from '../api-keys/make-key.ts'
import { ownKeys } from '../api-keys/own-keys.ts'
import { noStore, personalAuth } from './route-facts.ts'

export const madeKeySchema = z
  .object({
    id: z.string(),
    key: z.string().describe('Shown this once'),
    keyPrefix: z.string(),
    name: z.string(),
    role: z.string().nullable(),
  })
  .meta({ id: 'MadeApiKey' })

export const madeKeyExample = {
  id: '0198f0a6-6f0e-4a56-9a6e-0f8a2c1f3b11',
  key: 'plk_4kTq9Zx2vN7bR0cYdW5mHsJf8GpLaE1uXoKiQt',
  keyPrefix: 'plk_4kTq9Zx2',
  name: 'Nightly export',
  role: 'read_only',
}

const WEEK = 604_800

export const rotation = z.object({
  overlapSeconds: z.int().min(0).max(WEEK).default(3600).describe('For how long the old key works beside the new one'),
})

/** `POST /auth/api-keys` and `POST /auth/api-keys/:id/rotate`: for people. A key that could make keys would outlive its own end. */
export function makeApiKeys(auth: () => Auth): readonly PersonalRoute[] {
  const path = '/api/v1/auth/api-keys'
  const common = { ...personalAuth, inTenant: true, method: 'POST' } as const
  return [
    {
      ...common,
      path,
      operationId: 'makeApiKey',
      summary: 'Make an API key in this tenant, for what you may do yourself',
      body: { schema: newKeySchema, example: newKeyExample },
      errors: ['validation_failed', 'unsupported_media_type', 'body_too_large', 'conflict', 'answer_not_repeatable'],
      answers: [
        {
          status: 201,
          description: 'The key, shown this once',
          schema: madeKeySchema,
          example: madeKeyExample,
          headers: ['Location'],
        },
      ],
      async handle(call) {
        refuseQuery(call)
        refuseWithoutRight(call)
        const scope = scopeIn(call)
        const { platform, principal } = call
        const draft = readKeyDraft(call.body, scope.now)
        await refuseGrant(platform, principal, scope.tenantId, [draft.role], '/role')
        return call.transactAsSystem(async (system, transaction) => {
          const { id, key, keyPrefix } = await makeKey(system, scope, { userId: principal.id }, draft)
          const { name, role } = draft
          await transaction.emit({ type: 'apiKey.created', key: id, data: { id, name, role } })
          const location = `${platform.basePath}${path}/${id}`
          const shown = JSON.stringify({ id, key, keyPrefix, name, role })
          return { ...jsonAnswer(201, shown, { ...noStore, location }), once: id }
        })
      },
    },
    {
      ...common,
      path: `${path}/:id/rotate`,
      operationId: 'rotateApiKey',
      summary: 'Another key in the place of this one, which works until the overlap is over',
      body: { schema: rotation, optional: true, example: { overlapSeconds: 3600 } },
      errors: ['validation_failed', 'unsupported_media_type', 'not_found', 'answer_not_repeatable'],
      answers: [
        { status: 200, description: 'The new key, shown this once', schema: madeKeySchema, example: madeKeyExample },
      ],
      async handle(call) {
        refuseQuery(call)
        refuseWithoutRight(call)
        const scope = scopeIn(call)
        const { overlapSeconds } = validate(rotation, call.body)
        const answer = await call.transactAsSystem(async (system, transaction) => {
          const known = (await ownKeys(transaction, call.principal)).find(({ id }) => id === call.parameters['id'])
          const renewed = known && (await renewKey(system, scope, known.id, overlapSeconds))
          if (!renewed) throw problem('not_found')
          const { id, name, role } = known
          await transaction.emit({ type: 'apiKey.rotated', key: id, data: { id, name, role } })
          const { key, keyPrefix } = renewed
          return { ...jsonAnswer(200, JSON.stringify({ id, key, keyPrefix, name, role }), noStore), once: id }
        })
        auth().apiKeys.forget()
        return answer
      },
    },
  ]
}

/** Whether he may make keys at all: the keys are his own, so any scope will do. @throws permission_denied */
function refuseWithoutRight({ platform, principal }: PersonalCall): void {
  const number = platform.registry.permissions.numberOf('apiKey', 'create')!
  if (!principal.permissions.holds(number))
    throw problem('permission_denied', { detail: 'This needs the permission apiKey:create.' })
}

function scopeIn({ scope }: PersonalCall): Scope {
  if (!scope) throw new Error('keys are made in a tenant')
  return scope
}
