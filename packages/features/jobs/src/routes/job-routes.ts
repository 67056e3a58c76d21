import {
  and,
  compare,
  listAnswerSchema,
  listParameters,
  listRows,
  outputSchema,
  readRow,
  routePartsOf,
  type Call,
  type GuardedRoute,
  type Registry,
} from '@plinth/core'
import { backgroundJobs } from '../job-resource.ts'
import { createJob, newJob } from './create-job.ts'
import { changeJob, type Change } from './change-job.ts'

const CHANGED = ['not_found', 'conflict', 'version_mismatch']

/** `POST /jobs`, what may be done with a job, and the dead letters: jobs that nothing will come of by itself. */
export function jobRoutes(registry: Registry, poke: () => void): readonly GuardedRoute[] {
  const resource = registry.byTable.get(backgroundJobs)!
  const { base, common, guard, row } = routePartsOf(registry, resource)
  const dead = '/api/v1/dead-letters'
  const change = (path: string, verb: 'update' | 'delete', name: Change, summary: string): GuardedRoute => ({
    ...common,
    ...guard(verb),
    method: 'POST',
    path: `${path}/:id/${name}`,
    operationId: `${name}${path === dead ? 'DeadLetter' : 'Job'}`,
    summary,
    errors: CHANGED,
    answers: [row],
    handle: (call) => changeJob(call, name, poke),
  })
  const requested = [...registry.jobs.values()].filter((job) => job.requested)
  const create: GuardedRoute = {
    ...common,
    ...guard('create'),
    method: 'POST',
    path: base,
    operationId: 'createJob',
    summary: 'Ask for a job; it is answered before it runs',
    body: {
      schema: newJob(requested.map((job) => job.name)),
      example: { type: requested[0]?.name ?? 'report.build', input: {} },
    },
    errors: ['validation_failed', 'queue_full', 'unsupported_media_type', 'body_too_large'],
    answers: [
      { ...row, status: 202, description: 'It will run', schema: outputSchema(resource), headers: ['Location'] },
    ],
    handle: createJob,
  }
  return [
    ...(requested.length > 0 ? [create] : []),
    change(base, 'update', 'retry', 'Run a job now that failed, is dead or was cancelled'),
    change(base, 'update', 'cancel', 'Cancel a job; what one that runs has written is rolled back'),
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path: dead,
      operationId: 'listDeadLetters',
      summary: 'List jobs that are dead: out of attempts, or beyond repair',
      query: listParameters(resource),
      errors: ['invalid_query', 'invalid_cursor', 'too_many_exports'],
      answers: [{ status: 200, description: 'One page', schema: listAnswerSchema(outputSchema(resource)) }],
      handle: (call) => listRows(deadOnly(call)),
    },
    {
      ...common,
      ...guard('read'),
      method: 'GET',
      path: `${dead}/:id`,
      operationId: 'readDeadLetter',
      summary: 'Read a job that is dead',
      errors: ['invalid_query', 'not_found'],
      answers: [row, { status: 304, description: 'Unchanged since the ETag in If-None-Match' }],
      handle: (call) => readRow(deadOnly(call)),
    },
    change(dead, 'update', 'redrive', 'Give a dead job all its attempts anew'),
    change(dead, 'delete', 'discard', 'Take a dead job off the list'),
  ]
}

function deadOnly(call: Call): Call {
  return { ...call, visible: and(call.visible, compare('status', 'eq', 'dead')) }
}
