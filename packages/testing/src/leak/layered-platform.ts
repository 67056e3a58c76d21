import type { StartupFault } from '@plinth/core'
import { postgresJsDriver, type Driver } from '@plinth/postgres/driver'
import { testPlatform, type TestPlatform, type TestPlatformOptions } from '../platform/test-platform.ts'
import { ensureRole, loginUrl } from '../server/databases.ts'
import { tappedDriver, withoutTenantConditions, type TappedDriver } from './tapped-driver.ts'

/**
 * Which of the two layers that keep tenants apart is in place: row-level security (`policies`), the conditions in the
 * queries (`conditions`), or both. `owner`: policies alone, and the login owns the tables, so that only FORCE binds it.
 */
export type Layers = 'both' | 'policies' | 'conditions' | 'owner'

export interface LayeredPlatform {
  readonly platform: TestPlatform
  readonly driver: TappedDriver
  /** Compares the catalog as a start would, under the login that a product has. */
  readonly check: () => Promise<readonly StartupFault[]>
  readonly close: () => Promise<void>
}

/**
 * A test platform with one layer taken away after it has verified its database (it would refuse to serve otherwise). The
 * roles that this needs belong to the whole cluster: give `rolePrefix`.
 */
export async function layeredPlatform(layers: Layers, options: TestPlatformOptions): Promise<LayeredPlatform> {
  const wrapped: TappedDriver[] = []
  const platform = await testPlatform({
    ...options,
    wrap(inner) {
      wrapped.push(tappedDriver(inner))
      return wrapped[0]!
    },
  })
  const driver = wrapped[0]!
  const runtime = driver.target
  const logins: Driver[] = []
  // The check at start runs with the login that it must accept.
  const verified = await platform.request(
    platform.a.actors.full,
    'GET',
    `/api/v1/${platform.plinth.registry.resources[0]!.path}`,
  )
  if (verified.status >= 500) throw new Error(`the platform does not serve: ${verified.body}\n${platform.log.text()}`)
  if (layers === 'policies' || layers === 'owner') driver.rewrite = withoutTenantConditions
  if (layers === 'conditions' || layers === 'owner') {
    driver.target = await otherLogin(platform, layers, options.rolePrefix ?? 'plinth_', options.pool ?? 4)
    logins.push(driver.target)
  }
  return {
    platform,
    driver,
    async check() {
      const { target } = driver
      driver.target = runtime
      try {
        return await platform.database.check()
      } finally {
        driver.target = target
      }
    },
    async close() {
      for (const login of logins) await login.close()
      await platform.close()
    },
  }
}

async function otherLogin(
  platform: TestPlatform,
  layers: 'conditions' | 'owner',
  prefix: string,
  max: number,
): Promise<Driver> {
  if (platform.url === undefined)
    throw new Error('an embedded database has one login: test its policies, and its conditions on a server')
  const [name, attributes] =
    layers === 'conditions'
      ? [`${prefix}test_bypass`, `login bypassrls in role "${prefix}app"`]
      : [`${prefix}test_owner`, `login in role "${prefix}app", "${prefix}owner"`]
  await ensureRole(platform.url, name, attributes)
  return postgresJsDriver(loginUrl(platform.url, name), {
    max,
    applicationName: name,
    prepare: true,
    statementTimeoutMs: 30_000,
    connectTimeoutSeconds: 10,
  })
}
