import type { WorkloadName } from '../workloads.ts'

export interface ServerSpec {
  readonly name: string
  readonly title: string
  /** Path below `src`. */
  readonly file: string
  readonly variant: string
  /** How it logs in: exempt from row-level security, bound by it, or as Plinth's own runtime role. */
  readonly login: 'exempt' | 'secured' | 'app'
  /** Workloads that it takes part in; the first servers take part in all. */
  readonly workloads: readonly WorkloadName[]
  readonly recordedPath: string
  /** Its work goes on after the answer; a run ends when no event is left to hand on. */
  readonly worksAfterwards?: true
  readonly env: Readonly<Record<string, string>>
}

const reading = ['w1', 'w2-first', 'w2-deep', 'w2-keyset'] as const
const all = [...reading, 'w3', 'w3-both', 'patch'] as const
const own = { recordedPath: '/api/v1/recorded-projects', workloads: all }
const plinth = { file: 'servers/plinth.ts', login: 'app', recordedPath: '/api/v1/projects' } as const
const quiet = { LOG_LEVEL: 'warn', NODE_ENV: 'production' }

/** All that are compared, the floors first: ratios are to them. */
export const servers: readonly ServerSpec[] = [
  {
    name: 'floor',
    title: 'floor: node:http, by hand',
    file: 'servers/floor.ts',
    variant: 'plain',
    login: 'exempt',
    env: quiet,
    ...own,
  },
  {
    name: 'floor-rls',
    title: 'floor with row-level security',
    file: 'servers/floor.ts',
    variant: 'secured',
    login: 'secured',
    env: quiet,
    ...own,
  },
  {
    name: 'hono-drizzle',
    title: 'Hono + Drizzle, careful, no RLS',
    file: 'servers/hono-drizzle.ts',
    variant: '',
    login: 'exempt',
    env: quiet,
    ...own,
  },
  {
    ...plinth,
    name: 'plinth',
    title: '**Plinth on Hono**',
    variant: 'plain',
    workloads: [...reading, 'w3', 'patch'],
    env: quiet,
  },
  {
    ...plinth,
    name: 'plinth-recording',
    title: '**Plinth on Hono**',
    variant: 'recording',
    workloads: ['w3-both'],
    env: quiet,
  },
  {
    ...plinth,
    name: 'plinth-relay',
    title: 'Plinth, events delivered too',
    variant: 'delivering',
    worksAfterwards: true,
    workloads: ['w3-both'],
    env: quiet,
  },
  {
    ...plinth,
    name: 'plinth-logging',
    title: 'Plinth, requests logged to a file',
    variant: 'plain',
    workloads: ['w1', 'w2-first', 'w3'],
    env: { ...quiet, LOG_LEVEL: 'info' },
  },
]
