import { logEvents } from '../logging/events.ts'
import { RowCache } from '../cache/row-cache.ts'
import { corsOf } from '../cors/cors.ts'
import { allErrors } from '../errors/all-errors.ts'
import { StartupError, type StartupFault } from '../errors/startup-error.ts'
import type { Feature } from '../feature/feature.ts'
import { openApiDocument } from '../openapi/document.ts'
import { requestRates } from '../limits/rate-limit-options.ts'
import { Rates } from '../limits/rates.ts'
import { handle } from '../pipeline.ts'
import { canonicalPath } from '../pipeline/request.ts'
import type { JobQueue } from '../job/job-queue.ts'
import type { Audit } from '../ports/audit.ts'
import type { Database } from '../ports/database.ts'
import { collectRoutes } from '../routes/collect-routes.ts'
import { routeFaults } from '../routes/route-faults.ts'
import { buildRouteTable, pathsOf } from '../routes/route-table.ts'
import { noRoles, type Roles } from '../policy/roles.ts'
import { credentialTenant } from '../tenancy/credential-tenant.ts'
import { AfterAnswer } from './after-answer.ts'
import { asPrincipalIn } from './as-principal-in.ts'
import { asSystem } from './as-system.ts'
import { explainedByPlatform } from './explained-by-platform.ts'
import { inspectDeclaration } from './inspect-declaration.ts'
import { deliverEvent } from './deliver-event.ts'
import { defaultLimits, type Platform } from './platform.ts'
import { endOf, stopMsOf } from './end-platform.ts'
import { untilLeft } from './until-left.ts'
import { foundTenant } from './found-tenant.ts'
import type { Plinth, PlinthOptions } from './plinth.ts'
import { guardOf, problemOf } from './guard.ts'
import { beginHealth, beginMetrics } from './observe-platform.ts'
import { readDeclaration } from './read-declaration.ts'
import { readinessOf } from './readiness.ts'
import { readRuntime } from './runtime.ts'
import { reseal } from './reseal.ts'
import { setTenantRates } from './set-tenant-rates.ts'

/**
 * Puts a platform together: reads the declaration, finds every fault at once, and returns what an adapter mounts. Nothing is
 * connected before the first request or `migrate()`.
 *
 * @throws StartupError with every fault of resources, features, settings and database configuration
 */
export function createPlinth(options: PlinthOptions): Plinth {
  const faults: StartupFault[] = [...options.database.faults]
  const features = options.features ?? []
  const runtime = readRuntime(options, faults)
  const registry = readDeclaration(options.resources, features, faults, runtime, options)
  const held = requestRates(options.rateLimits ?? {}, faults)
  if (faults.length > 0 || !runtime) throw new StartupError(faults)

  const { database } = options
  const { clock } = runtime
  const title = options.title ?? 'Plinth'
  const version = options.version ?? '1.0.0'
  const limits = { ...defaultLimits, ...options.limits }
  const document = (): ReturnType<Plinth['openapi']> =>
    openApiDocument({
      ...parts,
      limits,
      info: { title, version, ...(options.license && { license: options.license }) },
      routes: routes.routes,
    })
  const { basePath } = runtime
  const errorTypeBase = options.errorTypeBase ?? basePath
  const errors = allErrors(registry.features)
  const parts = { title, version, basePath, errorTypeBase, errors, root: options.root ?? true, registry }
  const owned = collectRoutes({ ...parts, document })
  const readiness = readinessOf(database, runtime.log, () => {
    for (const feature of registry.features) feature.background?.(platform)
  })
  const watched = beginMetrics(limits, runtime.log, database)
  const lateFaults = [
    ...routeFaults(owned, features, registry.permissions.names),
    ...database.attach({
      registry,
      log: runtime.log,
      clock,
      deliver: (event, handled) => deliverEvent(platform, event, handled),
    }),
  ]
  if (lateFaults.length > 0) throw new StartupError(lateFaults)
  const routes = buildRouteTable(owned.map(({ route }) => route))
  let roles: Roles | undefined
  let jobs: JobQueue | undefined
  let audit: Audit | undefined
  const rows = new RowCache()
  database.onWrite((written) => rows.forget(written))
  const platform: Platform = {
    basePath,
    environment: runtime.environment,
    version,
    errorTypeBase,
    errors,
    registry,
    database,
    routes,
    readers: registry.features.flatMap((feature) => feature.slots?.auth ?? []),
    tenants: registry.features.find((feature) => feature.slots?.tenant)?.slots?.tenant ?? credentialTenant,
    accounts: registry.features.find((feature) => feature.slots?.accounts)?.slots?.accounts,
    directory: registry.features.find((feature) => feature.slots?.directory)?.slots?.directory,
    get roles() {
      return (roles ??= registry.features.find((feature) => feature.slots?.roles)?.slots?.roles?.(platform) ?? noRoles)
    },
    get jobs() {
      return (jobs ??= registry.features.find((feature) => feature.slots?.jobs)?.slots?.jobs?.(platform))
    },
    get audit() {
      return (audit ??= registry.features.find((feature) => feature.slots?.audit)?.slots?.audit?.(platform))
    },
    title,
    publicUrl: runtime.settings.PUBLIC_URL,
    settings: runtime.settings,
    mailer: runtime.mailer,
    rows,
    after: new AfterAnswer(runtime.log),
    secrets: runtime.secrets,
    proxies: runtime.proxies,
    cors: corsOf(runtime.settings.CORS_ORIGINS, runtime.settings.CORS_ALLOW_CREDENTIALS),
    rates: new Rates({ store: options.rateLimits?.store, database: database.limits, held, log: runtime.log }),
    log: runtime.log,
    clock,
    limits,
    ready: readiness.ready,
    ...watched,
    get health() {
      return health
    },
  }
  const observed = [
    database,
    runtime.mailer,
    ...(options.rateLimits?.store ? [options.rateLimits.store] : []),
    ...(options.observe ? [options.observe] : []),
    ...registry.features.flatMap((feature) => feature.observe?.(platform) ?? []),
  ]
  const nameFaults: StartupFault[] = []
  const health = beginHealth(
    { ...watched, database, ready: readiness.ready, observed, runtime, clock, version },
    nameFaults,
  )
  if (nameFaults.length > 0) throw new StartupError(nameFaults)

  for (const feature of registry.features) feature.start?.(platform)
  const end = endOf(platform, options, readiness.stop)
  runtime.log.debug(logEvents.platformInitialized, {
    features: registry.features.map(({ name }) => name),
    resources: registry.resources.length,
    database: database.kind,
  })

  return {
    basePath,
    notFound: options.notFound ?? 'host',
    registry,
    routes: routes.routes,
    fetch: (request, peer) => handle(platform, request, peer),
    paths: pathsOf(basePath, routes.routes),
    knows: (path) => routes.match(canonicalPath(basePath, path)) !== undefined,
    guard: (permission) => guardOf(platform, permission),
    problem: (error, request) => problemOf(platform, error, request),
    openapi: document,
    async migrate(migrateOptions = {}) {
      const report = await database.migrate(migrateOptions)
      // One line: each step was told when it was done (migration_step).
      if (report.applied.length > 0) runtime.log.info(logEvents.migrationApplied, { steps: report.applied.length })
      for (const warning of report.warnings) runtime.log.warn(logEvents.migrationWarning, { warning })
      await readiness.check()
      for (const feature of features) if (isImplicit(feature)) await foundTenant(platform, feature.implicitTenant)
      for (const feature of registry.features) await feature.seed?.(platform)
      return report
    },
    foundTenant: (draft) => foundTenant(platform, draft),
    as: (principal, tenant, work) => asPrincipalIn(platform, principal, tenant, work),
    setTenantRates: (tenant, rates) => setTenantRates(platform, tenant, rates),
    asSystem: (reason, tenant, work) => asSystem(platform, reason, tenant, work),
    inspect: async () => [...inspectDeclaration(registry), ...(await database.inspect())],
    explain: (question) => explainedByPlatform(platform, question),
    commands: registry.features.flatMap((feature) =>
      (feature.commands ?? []).map((command) => ({
        ...command,
        async run(given, terminal) {
          await refuseUnlike(database)
          return command.run(platform, given, terminal)
        },
      })),
    ),
    async reseal() {
      await refuseUnlike(database)
      return reseal(platform)
    },
    async work(signal) {
      await readiness.check()
      if (!platform.jobs) throw new Error("nothing runs jobs: add jobs() of '@plinth/jobs' to the features")
      await untilLeft(platform.jobs.work(platform, signal), signal, Math.max(...registry.features.map(stopMsOf)))
    },
    health: () => health.report(),
    ...end,
  }
}

/**
 * Before a command writes anything: is the database as declared? Without the background work that serving begins.
 * @throws StartupError
 */
async function refuseUnlike(database: Database): Promise<void> {
  // The findings and not the check: a database that cannot be reached is one of them, with what to do about it.
  const errors = (await database.inspect()).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new StartupError(errors.map(({ path, problem, fix }) => ({ path, problem, fix })))
}

function isImplicit(
  feature: Feature,
): feature is Feature & { readonly implicitTenant: { readonly slug: string; readonly name: string } } {
  return 'implicitTenant' in feature
}
