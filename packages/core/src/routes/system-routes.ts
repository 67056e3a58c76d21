import { preflightHeaders } from '../cors/cors.ts'
import { z } from 'zod'
import type { Answer } from '../pipeline/answer.ts'
import type { PublicCall } from '../pipeline/call.ts'
import type { OpenApiDocument } from '../openapi/document.ts'
import { metricsRoute } from './metrics-route.ts'
import type { PublicRoute } from './route.ts'

const healthSchema = z
  .object({
    status: z.enum(['healthy', 'degraded']),
    timestamp: z.iso.datetime(),
    environment: z.string(),
    checks: z.record(z.string(), z.object({ status: z.enum(['healthy', 'unhealthy']), response_time_ms: z.number() })),
    response_time_ms: z.number(),
  })
  .meta({ id: 'HealthReport' })
const liveSchema = z.object({ status: z.enum(['healthy', 'degraded']) })

const publicRoute = { method: 'GET', public: true, origin: 'platform', errors: [] } as const
const noStore = { 'content-type': 'application/json', 'cache-control': 'no-store' }

interface SystemParts {
  readonly title: string
  readonly version: string
  /** Adds the same routes at the root: `/`, `/health`, `/openapi.json`. */
  readonly root: boolean
  readonly document: () => OpenApiDocument
}

/** Health, the OpenAPI document and the greeting: what is reachable without a principal. */
export function systemRoutes(parts: SystemParts): readonly PublicRoute[] {
  let printed: string | undefined
  const at = (path: string, unlisted: boolean): readonly PublicRoute[] => [
    {
      ...publicRoute,
      path: `${path}/health`,
      operationId: 'health',
      limits: 'none',
      shed: 'never',
      tag: 'health',
      summary: 'Health of the service and what it depends on',
      unlisted,
      answers: [
        { status: 200, description: 'All is well', schema: healthSchema },
        { status: 503, description: 'A dependency is down', schema: healthSchema },
      ],
      handle: health,
    },
    {
      ...publicRoute,
      path: `${path}/health/live`,
      operationId: 'healthLive',
      limits: 'none',
      shed: 'never',
      tag: 'health',
      summary: 'The process runs',
      unlisted,
      answers: [{ status: 200, description: 'It runs', schema: liveSchema }],
      handle: () => json(200, { status: 'healthy' }),
    },
    {
      ...publicRoute,
      path: `${path}/health/ready`,
      operationId: 'healthReady',
      limits: 'none',
      shed: 'never',
      tag: 'health',
      summary: 'The process may be sent requests',
      unlisted,
      answers: [
        { status: 200, description: 'It is ready', schema: liveSchema },
        { status: 503, description: 'Not now', schema: liveSchema },
      ],
      handle: ready,
    },
    metricsRoute(`${path}/metrics`, unlisted),
    {
      ...publicRoute,
      path: `${path}/openapi.json`,
      operationId: 'openApi',
      tag: 'about',
      summary: 'This document',
      unlisted,
      answers: [{ status: 200, description: 'OpenAPI 3.1', schema: z.object({ openapi: z.string() }) }],
      handle: () => {
        printed ??= JSON.stringify(parts.document())
        return {
          status: 200,
          headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' },
          body: printed,
        }
      },
    },
  ]
  const about = (path: string, unlisted: boolean): PublicRoute => ({
    ...publicRoute,
    path,
    operationId: 'about',
    tag: 'about',
    summary: 'What this is and where to go',
    unlisted,
    answers: [
      {
        status: 200,
        description: 'Name, version and links',
        schema: z.object({ name: z.string(), version: z.string(), links: z.record(z.string(), z.string()) }),
      },
    ],
    handle: (call) => greeting(parts, call),
  })
  return [
    ...at('/api/v1', false),
    about('/api/v1', false),
    about('/api', true),
    ...(parts.root ? [...at('', true), about('/', true)] : []),
  ]
}

function json(status: number, body: unknown): Answer {
  return { status, headers: noStore, body: JSON.stringify(body) }
}

function greeting(parts: SystemParts, { platform }: PublicCall): Answer {
  const { basePath, routes } = platform
  const there = new Set(routes.routes.map(({ path }) => path))
  const paths = {
    health: '/api/v1/health',
    openapi: '/api/v1/openapi.json',
    docs: '/api/v1/docs',
    redoc: '/api/v1/redoc',
    errors: '/docs/errors',
  }
  const links = Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => (there.has(path) ? [[name, `${basePath}${path}`]] : [])),
  )
  return json(200, { name: parts.title, version: parts.version, links })
}

async function health({ platform }: PublicCall): Promise<Answer> {
  const report = await platform.health.report()
  return json(report.status === 'healthy' ? 200 : 503, report)
}

async function ready({ platform }: PublicCall): Promise<Answer> {
  const isReady = await platform.health.ready()
  return json(isReady ? 200 : 503, { status: isReady ? 'healthy' : 'degraded' })
}

/** Answers OPTIONS of a known path: what may be done there, and to a page of another origin, what it may ask. */
export function optionsRoute(allow: string): PublicRoute {
  return {
    method: 'GET',
    public: true,
    path: '',
    operationId: 'options',
    limits: 'none',
    summary: '',
    tag: 'about',
    origin: 'platform',
    errors: [],
    answers: [],
    unlisted: true,
    handle: ({ platform, headers }) => ({
      status: 204,
      headers: { allow, ...preflightHeaders(platform.cors, headers, allow) },
      body: null,
    }),
  }
}
