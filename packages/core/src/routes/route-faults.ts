import type { StartupFault } from '../errors/startup-error.ts'
import { allErrors } from '../errors/all-errors.ts'
import { isLimitName } from '../limits/bucket-key.ts'
import { rateFault } from '../limits/bucket.ts'
import type { Feature } from '../feature/feature.ts'
import type { Route } from './route.ts'

/** A route and who brought it: the platform, a resource or a feature, in words for a fault. */
export interface OwnedRoute {
  readonly owner: string
  readonly route: Route
}

/**
 * What is wrong with the routes as a whole: paths that cannot be, paths and operation ids that two claim. The router would serve
 * whichever came first, and nobody would notice which.
 */
export function routeFaults(
  owned: readonly OwnedRoute[],
  features: readonly Feature[],
  permissions: readonly string[] = [],
): StartupFault[] {
  const errors = allErrors(features)
  const faults: StartupFault[] = []
  const paths = new Map<string, OwnedRoute>()
  const ids = new Map<string, OwnedRoute>()
  for (const each of owned) {
    const { owner, route } = each
    const path = `${owner}: ${route.method} ${route.path}`
    if (!pattern.test(route.path)) {
      const fix = "write it whole, as in path: '/api/v1/reports/:id'"
      faults.push({ path, problem: 'is no path', fix })
      continue
    }
    for (const code of route.errors.filter((one) => !Object.hasOwn(errors, one))) {
      faults.push({
        path,
        problem: `names the unknown error ${code}`,
        fix: `errors: { ${code}: { status, title, help } }`,
      })
    }
    if (!route.public && route.personal && route.needs !== undefined && !permissions.includes(route.needs))
      faults.push({
        path,
        problem: `needs the unknown permission ${route.needs}`,
        fix: 'permissions: { model: [verb] }',
      })
    for (const limit of route.limits === 'none' ? [] : (route.limits ?? [])) {
      const problem = isLimitName(limit.name) ? rateFault(limit) : `names a limit '${limit.name}'`
      if (problem !== undefined)
        faults.push({
          path,
          problem,
          fix: "limits: [{ name: 'sign-up', by: 'client', capacity: 60, windowSeconds: 3_600 }]",
        })
    }
    // `/a/:id` and `/a/:name` are one path to a router.
    const shape = `${route.method} ${route.path.replaceAll(/:[a-zA-Z]+/g, ':')}`
    const taken = paths.get(shape)
    if (taken)
      faults.push({ path, problem: `is served by ${taken.owner} already`, fix: 'give one of them another path' })
    else paths.set(shape, each)
    const same = route.unlisted ? undefined : ids.get(route.operationId)
    if (same && !taken) {
      const problem = `has the operationId '${route.operationId}' of ${same.route.method} ${same.route.path}`
      faults.push({ path, problem, fix: 'give it an operationId of its own' })
    }
    if (!route.unlisted && !same) ids.set(route.operationId, each)
  }
  return faults
}

const pattern = /^\/$|^(?:\/(?::[a-zA-Z]+|[\w.~-]+))+$/
