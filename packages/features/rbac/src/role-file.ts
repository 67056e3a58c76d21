import { readFileSync } from 'node:fs'
import { faultsAt, parseJsonBody, PlinthError, type StartupFault } from '@plinth/core'
import { z } from 'zod'
import type { RoleSource } from './declared-roles.ts'
import { permissionSpelling } from './permission-input.ts'

const list = z.array(permissionSpelling).max(500)
const role = z.strictObject({
  description: z.string().max(500).optional().describe('For whoever gives the role'),
  permissions: list.optional().describe('What the role may do'),
  include: z.array(z.string().max(63)).max(100).optional().describe('Names of permission groups that it has too'),
})

/** `config/rbac.json`. Unknown keys are refused: a mistyped one would be a role that is silently not there. */
export const roleFile = z
  .strictObject({
    $schema: z.string().optional().describe('For editors: node_modules/@plinth/rbac/rbac.schema.json'),
    permissionGroups: z.record(z.string(), list).optional().describe('Lists of permissions that roles include by name'),
    roles: z.record(z.string(), role).optional().describe('Roles of the product: the same in every tenant, and code'),
    tenantRoles: z
      .record(z.string(), role)
      .optional()
      .describe('Roles that a tenant begins with; they are its own, to change and to delete'),
  })
  .meta({ id: 'RbacFile', title: 'Roles of a product' })

/** A role file is read by people, and deeper than this it has no form. */
const DEEPEST = 8

/**
 * Reads a file of roles. What is wrong with it is told at the place where it is, as a JSON pointer, all at once: `config/rbac.json#/roles/support`.
 * @param file as `rbac({ file })` has it: from the working directory, or absolute
 */
export function readRoleFile(file: string): { readonly source?: RoleSource; readonly faults: readonly StartupFault[] } {
  const at = (pointer: string): string => `${file}#${pointer}`
  const broken = (problem: string, fix: string): { readonly faults: readonly StartupFault[] } => ({
    faults: [{ path: file, problem, fix }],
  })
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    return broken(`cannot be read (${code})`, `write it, or name another one; it is looked for from ${process.cwd()}`)
  }
  let given: unknown
  try {
    // Two roles of one name are refused: JSON.parse would keep the second one without a word.
    given = parseJsonBody(bytes, DEEPEST)
  } catch (error) {
    return broken('is not the JSON of a role file', `mend it: ${syntaxOf(bytes, error)}`)
  }
  const result = roleFile.safeParse(given)
  if (result.success)
    return {
      source: { at: (...keys) => at(keys.map((key) => `/${escape(String(key))}`).join('')), given: result.data },
      faults: [],
    }
  return {
    faults: faultsAt([], result.error, given).map(({ path, code, message }) => ({
      path: at(path),
      problem: `${message} (${code})`,
      fix: 'write it as rbac.schema.json of @plinth/rbac says',
    })),
  }
}

/** JSON.parse says line and column; the strict reader says what JSON.parse does not mind. */
function syntaxOf(bytes: Uint8Array, error: unknown): string {
  try {
    JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (syntax) {
    return syntax instanceof Error ? syntax.message : String(syntax)
  }
  return PlinthError.is(error) ? error.message : String(error)
}

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
