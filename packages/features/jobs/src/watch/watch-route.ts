import {
  emptyAnswer,
  exportStream,
  outputSchema,
  PlinthError,
  readQuery,
  readRow,
  refuseQuery,
  routePartsOf,
  type Answer,
  type Batch,
  type Call,
  type GuardedRoute,
  type Registry,
  wholeNumber,
} from '@plinth/core'
import { z } from 'zod'
import { backgroundJobs } from '../job-resource.ts'
import { jobLogEvents } from '../log-events.ts'
import type { JobWatch } from './job-watch.ts'
import type { Watcher } from './watcher.ts'

/** Seconds for which it is held open; then whoever watches comes again, as `EventSource` does by itself. */
const LONGEST_WAIT = 300
/** How long a right that was asked for is believed, in milliseconds. */
const ASK_AGAIN_AFTER = 1_000
/** Where nothing happens a line without meaning is sent, so that no proxy takes the connection for dead, in milliseconds. */
const BEAT_MS = 15_000
/**
 * When to come again after a connection that broke, in milliseconds: from so long to twice, for a process that ends lets all go at once. By the
 * job and not by chance, so that two answers to the same request are the same.
 */
const RETRY_MS = 2_000

/** Nothing comes of a job in one of these by itself. */
const ended = new Set<unknown>(['completed', 'cancelled', 'dead', 'discarded'])

/** `GET /jobs/:id/stream`: a job as it changes, until it has ended (server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export function watchRoute(registry: Registry, watch: () => JobWatch): GuardedRoute {
  const resource = registry.byTable.get(backgroundJobs)!
  const { base, common, guard } = routePartsOf(registry, resource)
  return {
    ...common,
    ...guard('read'),
    method: 'GET',
    path: `${base}/:id/stream`,
    operationId: 'streamJob',
    summary: 'A job as it changes, as server-sent events, until it has ended',
    query: [
      {
        name: 'wait',
        description: `Seconds for which it is held open (${LONGEST_WAIT} unless told); with 0, the job as it is now`,
        schema: z.int().min(0).max(LONGEST_WAIT),
      },
    ],
    errors: ['invalid_query', 'not_found'],
    answers: [
      {
        status: 200,
        description:
          'An event `job` for each change, the job as it then is as its data; what was seen last is not sent again',
        contentType: 'text/event-stream',
        schema: outputSchema(resource),
      },
      { status: 204, description: 'It has ended, and Last-Event-ID says that this was seen' },
    ],
    handle: (call) => watched(call, watch()),
  }
}

/** A job as somebody may see it. */
interface Shown {
  /** As PostgreSQL writes it, whoever asked how. */
  readonly id: string
  readonly event: string
  readonly eventId: string
  readonly hasEnded: boolean
}

async function watched(call: Call, watch: JobWatch): Promise<Answer> {
  refuseQuery(call, ['wait'])
  const wait = readQuery(call.search).get('wait')
  const waitMs = wholeNumber('wait', wait, { most: LONGEST_WAIT, usual: LONGEST_WAIT }) * 1_000
  const first = await show(call)
  const seen = call.headers['last-event-id']
  if (first.hasEnded && first.eventId === seen) return emptyAnswer(204)
  const isOne = first.hasEnded || waitMs === 0
  const { kind, id: name } = call.request.principal
  const joining = { tenantId: call.scope.tenantId, id: first.id, who: `${kind}:${name}` }
  const watcher = isOne ? undefined : watch.join(joining)
  const retry = RETRY_MS + (Number.parseInt(first.id.slice(-4), 16) % RETRY_MS)
  const text = `retry: ${retry}\n${first.eventId === seen ? '\n' : first.event}`
  return {
    status: 200,
    // What compresses, and nginx by the last one, would gather the events of a minute.
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    },
    body: exportStream({
      first: { text, rows: 1, last: isOne },
      next: watcher ? batchesOf(call, watcher, first.eventId, waitMs) : () => Promise.resolve(none),
      idle: call.platform.limits.exportIdle,
      failure: undefined,
      onEnd: () => watcher?.leave(),
    }),
  }
}

const none: Batch = { text: '', rows: 0, last: true }

/** What is sent next, with each call. */
function batchesOf(call: Call, watcher: Watcher, from: string, waitMs: number): () => Promise<Batch> {
  const until = performance.now() + waitMs
  let sentAt = performance.now()
  let eventId = from
  return async () => {
    for (;;) {
      const left = until - performance.now()
      if (left <= 0) return none
      const seen = await watcher.next(Math.min(ASK_AGAIN_AFTER, left))
      if (seen === 'over') return none
      const isBeat = performance.now() - sentAt >= BEAT_MS
      // Who loses his right, or his credential, gets no more. Why, he is told when he comes again.
      const shown = await again(call, isBeat || seen === 'changed').catch((error: unknown) => endedBy(call, error))
      if (shown === null) return none
      const isNew = shown !== undefined && shown.eventId !== eventId
      if (!isNew && !isBeat) continue
      sentAt = performance.now()
      if (!isNew) return { text: ':\n\n', rows: 0, last: false }
      eventId = shown.eventId
      return { text: shown.event, rows: 1, last: shown.hasEnded }
    }
  }
}

/** @returns undefined where it was not looked at @throws as at the beginning of a request */
async function again(call: Call, look: boolean): Promise<Shown | undefined> {
  const { visible, session, principal } = await call.renew()
  return look ? show({ ...call, visible, session, request: { ...call.request, principal } }) : undefined
}

/** What has an answer of its own is told by that to whoever comes again: with the database away there would be a line for each. */
function endedBy({ platform, request }: Call, error: unknown): null {
  if (!PlinthError.is(error)) platform.log.warn(jobLogEvents.watchInterrupted, { requestId: request.requestId, error })
  return null
}

/** @throws not_found */
async function show(call: Call): Promise<Shown> {
  const { body, headers } = await readRow({ ...call, search: '', headers: {} })
  const json = body as string
  const eventId = (headers['etag'] ?? '').replaceAll('"', '')
  const { id, status } = JSON.parse(json) as { readonly id: string; readonly status?: unknown }
  return {
    id,
    eventId,
    // JSON as it is printed is one line.
    event: `id: ${eventId}\nevent: job\ndata: ${json}\n\n`,
    hasEnded: ended.has(status),
  }
}
