import type { z } from 'zod'
import { StartupError, type StartupFault } from '../errors/startup-error.ts'

export const environments = ['development', 'test', 'staging', 'production'] as const
export type Environment = (typeof environments)[number]

/** One variable: what it is for, how its text is read, and what holds where it is not set. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Reads the trimmed text. Called with `undefined` where the variable is unset and nothing else gives a value. */
  readonly schema: Schema
  /** For people: what it does, what it is good for. Becomes the comment in `.env.example`. */
  readonly description: string
  /** The value where the variable is unset. Without one, a variable whose schema refuses `undefined` must be set. */
  readonly default?: z.output<Schema>
  /** As `default`, for single environments; it wins over `default`. */
  readonly defaultIn?: { readonly [E in Environment]?: z.output<Schema> }
  /** Where an optional variable must be set all the same. */
  readonly requiredIn?: readonly Environment[]
  /** A text that the schema accepts, to show what one looks like. Never a real secret. */
  readonly example?: string
  /** What mends an unset or wrong value, when a line `NAME=<example>` would not: a command, mostly. */
  readonly fix?: string
  /** Other names that are accepted. Within one source (environment, file) the variable's own name wins. */
  readonly aliases?: readonly string[]
  /** The value is shown nowhere. Default: true where the name says so (`…_PASSWORD`, `…_TOKEN`, `SECRET_…`, `…_KEY`). */
  readonly secret?: boolean
  /** Heading under which it is listed. */
  readonly group?: string
  /** May change while the process runs, by `settingsStore().reload()`. Mark it only if its reader follows the change. */
  readonly reloadable?: boolean
}

export type Schemas = Readonly<Record<string, z.ZodType>>
/** Inert data, keyed by the names of the variables; compose by spread: `defineSettings({ ...platformSettings, MINE: … })`. */
export type SettingsDefinition<S extends Schemas = Schemas> = { readonly [Name in keyof S]: Setting<S[Name]> }
/** What is read: the names stay those of the variables, so that a search for one finds the documentation and every use. */
export type Settings<D extends SettingsDefinition> = { readonly [Name in keyof D]: z.output<D[Name]['schema']> }

/**
 * Declares variables. Nothing is read here: see {@link loadSettings}.
 * @throws StartupError with every fault of the declaration: a name that no shell accepts, a name or alias used twice, a
 *   boolean that reads 'false' as true, an empty description, `requiredIn` beside a default.
 */
export function defineSettings<S extends Schemas>(definition: {
  readonly [Name in keyof S]: Setting<S[Name]>
}): SettingsDefinition<S> {
  const faults: StartupFault[] = []
  const names = Object.keys(definition)
  const taken = new Map(names.map((name) => [name, name]))
  for (const name of names) {
    const setting: Setting = definition[name]!
    faults.push(...faultsOf(name, setting))
    for (const alias of setting.aliases ?? []) {
      const owner = taken.get(alias)
      if (owner !== undefined) {
        faults.push({
          path: name,
          problem: `its alias ${alias} belongs to ${owner}`,
          fix: `remove '${alias}' from aliases`,
        })
      }
      taken.set(alias, name)
    }
  }
  if (faults.length > 0) throw new StartupError(faults)
  return Object.freeze({ ...definition })
}

const portableName = /^[A-Z][A-Z0-9_]*$/

function faultsOf(name: string, setting: Setting): StartupFault[] {
  const faults: StartupFault[] = []
  const fault = (problem: string, fix: string) => faults.push({ path: name, problem, fix })
  for (const one of [name, ...(setting.aliases ?? [])]) {
    if (!portableName.test(one)) fault(`'${one}' is no name for a variable`, 'use capital letters, digits and _')
  }
  if (setting.description.trim() === '') fault('has no description', "description: 'What it does'")
  // The trap of z.coerce.boolean(): Boolean('false') is true, so DEBUG=false would switch debugging on.
  if (trial(setting.schema, 'false') === true) fault("its schema reads 'false' as true", 'schema: flag()')
  const given = 'default' in setting || Object.keys(setting.defaultIn ?? {}).some((at) => isRequired(setting, at))
  if (given && setting.requiredIn) fault('has a default where it is required', 'remove default or requiredIn')
  return faults
}

const isRequired = (setting: Setting, environment: string): boolean =>
  (setting.requiredIn as readonly string[] | undefined)?.includes(environment) ?? false

function trial(schema: z.ZodType, input: unknown): unknown {
  try {
    return schema.safeParse(input).data
  } catch {
    return undefined // An asynchronous or throwing schema: reported, with its variable, when it is loaded.
  }
}

const secretName = /(^|_)(SECRETS?|PASSWORD|PASSWD|PASSPHRASE|TOKENS?|CREDENTIALS?|DSN|(API_?)?KEYS?)($|_)/

/** Whether the value may be shown. By name unless it is said: the cost of a wrong guess is a fault that shows no value. */
export function isSecret(name: string, setting: Setting): boolean {
  return setting.secret ?? secretName.test(name)
}

/**
 * What an unset variable gives in an environment: a value, or nothing (then it must be set).
 * `z.coerce.string()` reads `undefined` as 'undefined' and `z.coerce.boolean()` as false; neither is an optional variable,
 * so success alone does not count.
 */
export function unsetValue(setting: Setting, environment: Environment): { readonly value: unknown } | undefined {
  if (setting.defaultIn && Object.hasOwn(setting.defaultIn, environment))
    return { value: setting.defaultIn[environment] }
  if ('default' in setting) return { value: setting.default }
  if (isRequired(setting, environment)) return undefined
  try {
    const { success, data } = setting.schema.safeParse(undefined)
    return success && (data === undefined || setting.schema._zod.optin !== undefined) ? { value: data } : undefined
  } catch {
    return undefined
  }
}
