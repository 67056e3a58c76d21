import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  logEvents,
  OWNER,
  problem,
  refuseQuery,
  staleness,
  type Answer,
  type PersonalCall,
  type PersonalRoute,
} from '@plinth/core'
import { enteredTenant } from '../lifecycle/entered-tenant.ts'
import { exportTenant } from './export-tenant.ts'

/** How recently the owner must have signed in, in seconds: the file is all that his organisation has. */
const FRESH = 600
const CHUNK = 65_536

export const exportRoute: PersonalRoute = {
  public: false,
  inTenant: false,
  tag: 'tenant',
  origin: 'platform',
  personal: 'user',
  method: 'POST',
  path: '/api/v1/tenants/:id/export',
  operationId: 'exportTenant',
  summary: 'All that a tenant has as an archive, for an owner who signed in within ten minutes',
  errors: [
    'not_found',
    'invalid_query',
    'second_factor_required',
    'reauthentication_required',
    'rate_limited',
    'validation_failed',
  ],
  answers: [
    {
      status: 200,
      description: 'gzip over lines of JSON, without secrets and hidden columns',
      contentType: 'application/gzip',
    },
  ],
  handle: answerArchive,
}

/**
 * `POST /tenants/:id/export`. Written into a file without a name first: a reader who takes his time would hold a transaction open for
 * as long, and what fails in the middle would be half an archive instead of a status.
 * @throws not_found, permission_denied, reauthentication_required, rate_limited
 */
async function answerArchive(call: PersonalCall): Promise<Answer> {
  refuseQuery(call)
  const { platform, requestId } = call
  const { tenant, principal, operator } = await enteredTenant(call)
  if (operator)
    throw problem('permission_denied', {
      detail: 'The operator sees no rows of tenants by the API. Where the database is: plinth tenant:export.',
    })
  if (!principal.roles?.includes(OWNER))
    throw problem('permission_denied', { detail: 'Only an owner takes all of a tenant along.' })
  const stale = staleness(principal, FRESH, platform.clock.now())
  if (stale) throw stale
  // Each reads every row of the tenant and fills a disk for a while.
  await platform.rates.attempt([{ name: 'export-tenant', by: [tenant.id], capacity: 6, windowSeconds: 3_600 }])
  const { file, rows } = await spooled((path) =>
    exportTenant(platform, tenant.id, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { hidden: false }),
  )
  platform.log.info(logEvents.exportEnded, {
    requestId,
    resource: 'tenant',
    tenant: tenant.slug,
    principal: `${principal.kind}:${principal.id}`,
    rows,
    complete: true,
  })
  return {
    status: 200,
    headers: {
      'content-type': 'application/gzip',
      'content-disposition': `attachment; filename="${tenant.slug}.plinth"`,
      'cache-control': 'no-store',
    },
    body: streamOf(file, platform.limits.exportIdle),
  }
}

/** The file has no name any more when it is read: whatever ends this process, nothing of it stays. */
async function spooled(
  write: (path: string) => Promise<{ readonly rows: number }>,
): Promise<{ readonly file: FileHandle; readonly rows: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-export-'))
  try {
    const path = join(folder, 'archive')
    const { rows } = await write(path)
    return { file: await open(path, 'r'), rows }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param idle milliseconds that the reader may leave the next part unread */
function streamOf(file: FileHandle, idle: number): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined
  const end = async (): Promise<void> => {
    clearTimeout(timer)
    await file.close()
  }
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      controller.error(new Error(`the reader took nothing for ${idle} ms`))
      void end()
    }, idle)
    timer.unref()
  }
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(timer)
        const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK), 0, CHUNK).catch(async (error: unknown) => {
          await end()
          throw error
        })
        if (bytesRead > 0) {
          controller.enqueue(buffer.subarray(0, bytesRead))
          return watch(controller)
        }
        controller.close()
        return end()
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}
