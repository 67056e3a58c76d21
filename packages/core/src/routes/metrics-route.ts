import { hash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { problem } from '../errors/plinth-error.ts'
import { EXPOSITION_TYPE } from '../metrics/exposition.ts'
import type { Answer } from '../pipeline/answer.ts'
import { principalOf } from '../pipeline/auth.ts'
import type { PublicCall } from '../pipeline/call.ts'
import { limitPrincipal } from '../pipeline/limits.ts'
import type { PublicRoute } from './route.ts'

/**
 * The metrics as text for Prometheus. They tell how busy the service is and which routes are used: of nobody's data, but nothing for
 * strangers either. Read by whoever shows METRICS_TOKEN, for which no database is asked, and by superadmins.
 */
export function metricsRoute(path: string, unlisted: boolean): PublicRoute {
  return {
    method: 'GET',
    public: true,
    optionalCredential: true,
    origin: 'platform',
    path,
    operationId: 'metrics',
    shed: 'never',
    tag: 'health',
    summary: 'Numbers for Prometheus',
    unlisted,
    errors: [],
    answers: [
      {
        status: 200,
        description: 'The text format of Prometheus, 0.0.4',
        contentType: 'text/plain',
        schema: z.string(),
      },
    ],
    handle: metrics,
  }
}

async function metrics(call: PublicCall): Promise<Answer> {
  const { platform, headers } = call
  if (!showsToken(headers['authorization'], platform.settings.METRICS_TOKEN)) await refuseOthers(call)
  return {
    status: 200,
    headers: { 'content-type': EXPOSITION_TYPE, 'cache-control': 'no-store' },
    body: await platform.metrics.print(),
  }
}

/** Of digests: texts of different lengths would be told apart before they are compared. */
function showsToken(authorization: string | undefined, token: string | undefined): boolean {
  if (token === undefined || authorization === undefined) return false
  const shown = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (shown === undefined) return false
  return timingSafeEqual(hash('sha256', shown, 'buffer'), hash('sha256', token, 'buffer'))
}

/** @throws unauthenticated, invalid_credential, permission_denied */
async function refuseOthers({ platform, headers, client, requestId }: PublicCall): Promise<void> {
  const principal = await principalOf(platform, { method: 'GET', headers, client, requestId })
  await limitPrincipal(platform, { principal, limits: [] }, undefined)
  if (principal.superadmin !== true)
    throw problem('permission_denied', { detail: 'This is for the operator of the service.' })
}
