import type { PlannedRequest } from '../load/messages.ts'
import type { Workload } from '../workloads.ts'
import type { PreparedAccess } from './prepare-access.ts'

export interface AccessWorkload extends Workload {
  /** Which server it is sent to. */
  readonly server: string
  /** The title of what it is compared with: the same work with nobody asking who may. */
  readonly beside?: string
  /** Where one answer takes so long that many at once would wait for seconds. */
  readonly connections?: number
}

const projects = '/api/v1/projects'

/** Reads of rows that are on the list, and pages of them. */
export function accessWorkloads({ tenants, plain, listed, rows }: PreparedAccess): readonly AccessWorkload[] {
  const requests = (paths: (slug: string) => readonly string[], tokenOf: (slug: string) => string) =>
    tenants.flatMap(({ slug }) =>
      paths(slug).map((path): PlannedRequest => ({ method: 'GET', path, token: tokenOf(slug) })),
    )
  const one = (slug: string): readonly string[] =>
    rows
      .get(slug)!
      .filter((_, at) => at % 10 === 0)
      .map((id) => `${projects}/${id}`)
  const workload = (
    title: string,
    server: string,
    paths: (slug: string) => readonly string[],
    tokenOf: (slug: string) => string,
    beside?: string,
  ): AccessWorkload => ({
    name: 'w1',
    title,
    server,
    writes: false,
    ...(beside !== undefined && { beside }),
    plan: () => Promise.resolve({ kind: 'fixed', requests: requests(paths, tokenOf) }),
  })
  const token = (slug: string): string => tenants.find((tenant) => tenant.slug === slug)!.token
  const page = (): readonly string[] => [projects]
  const [ownerReads, ownerPages, peer] = [
    'Plinth: read one, an owner, no list',
    'Plinth: page of 20, an owner, no list',
    'Hono + Drizzle: read one, nobody asks',
  ]
  return [
    workload(ownerReads!, 'plinth', one, (slug) => plain.get(slug)!),
    workload('Plinth: read one, 20 roles, 10,000 ACL rows', 'plinth', one, (slug) => listed.get(slug)!, ownerReads),
    workload(ownerPages!, 'plinth', page, (slug) => plain.get(slug)!),
    workload('Plinth: page of 20, 20 roles, 10,000 ACL rows', 'plinth', page, (slug) => listed.get(slug)!, ownerPages),
    workload(peer!, 'none', one, token),
    workload('the same with CASL, 10,000 ids in one rule', 'casl', one, token, peer),
    { ...workload('the same with Casbin, 10,000 policies', 'casbin', one, token, peer), connections: 2 },
  ]
}
