import type { ServerSpec } from '../servers/catalog.ts'

/** One point: a platform of so many tenants and resources. */
export interface Point {
  readonly tenants: number
  readonly resources: number
  /** Default `shared`. */
  readonly isolation?: 'shared' | 'schema'
}

export interface Curve {
  readonly name: 'tenants' | 'resources' | 'isolation'
  readonly title: string
  readonly points: readonly Point[]
}

/** Requests go to this many tenants at most, and to every resource. */
export const MOST_ASKED = 1_000
/** Rows of each resource in each tenant. */
export const ROWS_EACH = 60

export const curves: readonly Curve[] = [
  {
    name: 'tenants',
    title: 'From 1 to 10,000 tenants, one resource',
    points: [1, 10, 100, 1_000, 10_000].map((tenants) => ({ tenants, resources: 1 })),
  },
  {
    name: 'resources',
    title: 'From 1 to 200 resources, ten tenants',
    points: [1, 10, 50, 200].map((resources) => ({ tenants: 10, resources })),
  },
]

/** What a schema for each tenant costs, beside shared tables: requests go to the tenants in turn. */
export const isolationCurve: Curve = {
  name: 'isolation',
  title: 'Shared tables and a schema for each tenant, ten resources',
  points: [1, 10, 100].flatMap((tenants) =>
    (['shared', 'schema'] as const).map((isolation) => ({ tenants, resources: 10, isolation })),
  ),
}

/** What a point is called in a table of its curve. */
export function labelOf({ name }: Curve, { tenants, resources, isolation }: Point): string {
  switch (name) {
    case 'tenants':
      return tenants.toLocaleString('en')
    case 'resources':
      return resources.toLocaleString('en')
    case 'isolation':
      return `${tenants.toLocaleString('en')} ${isolation}`
  }
}

export function slugOf(tenant: number): string {
  return `tenant-${tenant}`
}

export function pathOf(resource: number): string {
  return `/api/v1/things-${resource}`
}

/** The server of a point; its variant is the point. */
export function specOf(point: Point): ServerSpec {
  return {
    name: `${point.tenants}-${point.resources}-${point.isolation ?? 'shared'}`,
    title: `${point.tenants} tenants, ${point.resources} resources${point.isolation === 'schema' ? ', schemas' : ''}`,
    file: 'servers/curve.ts',
    variant: JSON.stringify(point),
    login: 'app',
    workloads: ['w1', 'w2-first', 'w3'],
    recordedPath: '',
    env: { LOG_LEVEL: 'error', NODE_ENV: 'production' },
  }
}
