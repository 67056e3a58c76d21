import type { Feature } from '../feature/feature.ts'
import { coreErrors, type ErrorDefinition } from './registry.ts'

/** Errors of the core and of every feature, by code. */
export function allErrors(features: readonly Feature[]): Readonly<Record<string, ErrorDefinition>> {
  return Object.assign({}, coreErrors, ...features.map((feature) => feature.errors ?? {})) as Record<
    string,
    ErrorDefinition
  >
}
