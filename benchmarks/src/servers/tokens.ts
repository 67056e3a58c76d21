import { hash } from 'node:crypto'
import type { BenchTenant } from './messages.ts'

/** Finds the tenant of an `Authorization` header; by hash, as a server that keeps no secrets does. */
export function tokenReader(
  tenants: readonly BenchTenant[],
): (authorization: string | undefined) => string | undefined {
  const byHash = new Map(tenants.map((tenant) => [hash('sha256', tenant.token, 'hex'), tenant.id]))
  return (authorization) => {
    if (authorization === undefined || !authorization.startsWith('Bearer ')) return undefined
    return byHash.get(hash('sha256', authorization.slice(7), 'hex'))
  }
}
