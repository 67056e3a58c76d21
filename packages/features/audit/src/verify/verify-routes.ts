import { jsonAnswer, refuseQuery, type PersonalCall, type PersonalRoute } from '@plinth/core'
import { z } from 'zod'
import { auditRoute, inTenant, tell } from '../read/read-routes.ts'
import type { Sealer } from '../seal/sealer.ts'
import type { ChainVerdict } from './chain-verifier.ts'
import { brokenLog, wordsOf } from './last-checkpoint.ts'
import { SharedRuns } from './shared-runs.ts'
import { takeCheckpoints, verifyAndTell } from './verify-book.ts'

const verdictSchema = z
  .object({
    valid: z.boolean(),
    entries: z.int().describe('That were read, up to the first bad one'),
    firstBad: z.int().optional().describe('Number of the first entry that is wrong, or that is not there'),
    reason: z.enum(['missing', 'changed', 'forged', 'rewritten', 'unsealed']).optional(),
    acknowledged: z.literal(true).optional().describe('The operator knows of it, and everything since is right'),
  })
  .meta({ id: 'AuditVerdict' })

const checkpointSchema = z
  .object({
    checkpoints: z.array(z.string()).describe('JSON Web Signatures (EdDSA) over tenant, seq, hash and time'),
    keys: z.array(z.looseObject({ kty: z.string(), crv: z.string(), x: z.string() })).describe('What verifies them'),
  })
  .meta({ id: 'AuditCheckpoint' })

/** `GET /audit-logs/verify` and `GET /audit-logs/checkpoint`. */
export function verifyRoutes(sealer: () => Sealer): readonly PersonalRoute[] {
  const verifying = new SharedRuns<ChainVerdict>()
  const signing = new SharedRuns<Awaited<ReturnType<typeof takeCheckpoints>>>()
  const verified = (call: PersonalCall): Promise<ChainVerdict> => {
    const { platform, tenantId } = inTenant(call)
    return waited(call, () => verifying.run(tenantId, () => verifyAndTell(platform, sealer(), tenantId)))
  }
  const taken = (call: PersonalCall): ReturnType<typeof takeCheckpoints> => {
    const { platform, tenantId } = inTenant(call)
    return waited(call, () => signing.run(tenantId, () => takeCheckpoints(platform, sealer(), [tenantId])))
  }
  return [
    {
      ...auditRoute,
      method: 'GET',
      path: '/api/v1/audit-logs/verify',
      operationId: 'verifyAuditLogs',
      summary: 'Whether the whole log of the tenant is as it was written',
      errors: ['invalid_query'],
      answers: [{ status: 200, description: 'The verdict', schema: verdictSchema }],
      async handle(call) {
        refuseQuery(call)
        const verdict = await verified(call)
        await tellVerified(call, verdict)
        return jsonAnswer(200, JSON.stringify(verdict))
      },
    },
    {
      ...auditRoute,
      method: 'GET',
      path: '/api/v1/audit-logs/checkpoint',
      operationId: 'checkpointAuditLogs',
      summary: 'What the log is now, signed: kept elsewhere, it proves what was in it',
      errors: ['invalid_query', 'conflict'],
      answers: [{ status: 200, description: 'A checkpoint and the key that verifies it', schema: checkpointSchema }],
      async handle(call) {
        refuseQuery(call)
        const { platform, scope } = inTenant(call)
        const { file, broken } = await taken(call)
        if (broken.length > 0) {
          for (const { verdict } of broken) await tellVerified(call, verdict)
          throw brokenLog(broken.map(({ tenant, verdict }) => wordsOf(tenant, verdict)))
        }
        await platform.database.transaction(scope, (transaction) => tell(transaction, call, 'auditLog.signed', {}))
        return jsonAnswer(200, JSON.stringify(file))
      },
    },
  ]
}

/** A chain of a million entries is read for twenty seconds: who loses his right, or his credential, meanwhile gets no answer. */
async function waited<T>(call: PersonalCall, run: () => Promise<T>): Promise<T> {
  const result = await run()
  await call.renew()
  return result
}

async function tellVerified(call: PersonalCall, verdict: ChainVerdict): Promise<void> {
  const { platform, scope } = inTenant(call)
  const { valid, entries, firstBad = null } = verdict
  await platform.database.transaction(scope, (transaction) =>
    tell(transaction, call, 'auditLog.verified', { valid, entries, firstBad }),
  )
}
