import { formatPermission, parsePermission, scopes, type Permission, type PermissionScope } from '@plinth/core'

/** `{ action: 'create', resource: 'site' }`: a rule of a policy. Without a scope it is `all`. */
export interface ActionOnResource {
  readonly action: string
  readonly resource: string
  readonly scope?: PermissionScope | undefined
}

/** `{ model: 'site', action: 'update', scope: 'own' }`: the three parts as columns. */
export interface ModelAction {
  readonly model: string
  readonly action: string
  readonly scope?: PermissionScope | undefined
}

/**
 * Every way in which a permission may be written: `site:update:own`, `site:*`, `*`; `Site.update` as in access lists; or one of the two
 * objects. They all mean the one triple of model, action and scope.
 */
export type PermissionSpelling = string | ActionOnResource | ModelAction

/** What a word for a model stands for: `Site`, `sites`, `api_keys`. What is not known is given back as it is. */
export type NameModel = (word: string) => string

/**
 * The permission that is meant, in whichever way it is written; undefined where it is none of them. Whether there are such a model and
 * action is another question: the words are read, not looked up.
 * @param nameModel how models of access lists and policies are called here. Default: the first letter of `Site.update` in lower case
 */
export function readPermission(given: unknown, nameModel: NameModel = lowerFirst): Permission | undefined {
  if (typeof given === 'string') return readText(given, nameModel)
  if (typeof given !== 'object' || given === null) return undefined
  const parts = given as Readonly<Record<string, unknown>>
  const named = 'resource' in parts ? 'resource' : 'model'
  // What is beside the three parts may have been meant as a condition.
  if (Object.keys(parts).some((key) => ![named, 'action', 'scope'].includes(key))) return undefined
  const { action, scope = 'all' } = parts
  const model = parts[named]
  if (!isWord(model) || !isWord(action) || !isScope(scope)) return undefined
  return { model: named === 'resource' ? nameModel(model) : model, action, scope }
}

/** `Site.update` has no scope and no colon; the model of `Employee.salary.read` is what stands before the last dot. */
function readText(text: string, nameModel: NameModel): Permission | undefined {
  const dot = text.lastIndexOf('.')
  if (dot < 0 || text.includes(':') || !/^[A-Z*]/.test(text)) return parsePermission(text)
  const [model, action] = [text.slice(0, dot), text.slice(dot + 1)]
  return isWord(model) && isWord(action) ? { model: nameModel(model), action, scope: 'all' } : undefined
}

/** `{ action, resource, scope }`. */
export function formatActionOnResource({ model, action, scope }: Permission): Required<ActionOnResource> {
  return { action, resource: model, scope }
}

/** `Site.update`; undefined for a scope other than `all`, which an access list cannot say. */
export function formatAclName({ model, action, scope }: Permission): string | undefined {
  return scope === 'all' ? `${upperFirst(model)}.${action}` : undefined
}

/** The text that is stored: one that is in the usual spelling stays to the letter, any other becomes its three parts. */
export function canonicalText(given: PermissionSpelling, nameModel: NameModel): string | undefined {
  const read = readPermission(given, nameModel)
  if (!read) return undefined
  const usual = typeof given === 'string' && !isAclName(given)
  return usual ? given : formatPermission(read)
}

const isAclName = (text: string): boolean => text.includes('.') && !text.includes(':') && /^[A-Z*]/.test(text)
const isWord = (value: unknown): value is string => typeof value === 'string' && value !== '' && !value.includes(':')
const isScope = (value: unknown): value is PermissionScope => (scopes as readonly unknown[]).includes(value)
const lowerFirst = (word: string): string => word.slice(0, 1).toLowerCase() + word.slice(1)
const upperFirst = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)
