import { tokenOf } from '../database/tenants.ts'
import type { PlannedRequest } from '../load/messages.ts'
import { draft, type Workload } from '../workloads.ts'
import { pathOf } from './curve.ts'
import type { AskedRow } from './fill.ts'

/** Reads, pages and creates over all the tenants and resources of a point. */
export function curveWorkloads(asked: readonly AskedRow[]): readonly Workload[] {
  const plan = (request: (row: AskedRow, at: number) => Omit<PlannedRequest, 'token'>): Workload['plan'] => {
    const requests = asked.map((row, at) => ({ ...request(row, at), token: tokenOf(row.slug) }))
    return () => Promise.resolve({ kind: 'fixed', requests })
  }
  return [
    {
      name: 'w1',
      title: 'read one',
      writes: false,
      plan: plan(({ resource, id }) => ({ method: 'GET', path: `${pathOf(resource)}/${id}` })),
    },
    {
      name: 'w2-first',
      title: 'page of 20',
      writes: false,
      plan: plan(({ resource }) => ({ method: 'GET', path: pathOf(resource) })),
    },
    {
      name: 'w3',
      title: 'create',
      writes: true,
      plan: plan(({ resource }, at) => ({
        method: 'POST',
        path: pathOf(resource),
        body: JSON.stringify(draft(at % 64)),
      })),
    },
  ]
}
