import { StartupError, type StartupFault } from '../errors/startup-error.ts'
import { maskText } from '../logging/mask-text.ts'
import { environments, isSecret, unsetValue } from './define-settings.ts'
import type { Environment, Setting, Settings, SettingsDefinition } from './define-settings.ts'
import { exampleLine } from './describe-settings.ts'
import { environmentSource, readEnvFile, textIn, type Source } from './env-files.ts'
import { withoutPartsOf } from './without-parts-of.ts'

/** Where texts are read from. */
interface Where {
  /** Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * The folder of `.env` and `.env.<environment>`, or false for none. Default: the working directory; none where an `env`
   * is handed in, so that a test does not depend on the files of whoever runs it.
   */
  readonly files?: string | false
  /** Instead of the variable ENVIRONMENT. */
  readonly environment?: Environment
}

export interface LoadOptions<D extends SettingsDefinition = SettingsDefinition> extends Where {
  /** Faults that show only between variables. Called with what could be read, so that all faults are found at once. */
  readonly check?: (values: Partial<Settings<D>>, environment: Environment) => readonly StartupFault[]
  /** Told what is odd but no fault. Default: `process.emitWarning`. */
  readonly warn?: (warning: StartupFault) => void
}

/**
 * Reads and checks the variables of a definition. The environment of the process beats `.env.<environment>`, which beats
 * `.env`; empty is unset; variables that are not in the definition are ignored. `ENVIRONMENT` (unset: production) chooses
 * the file and the defaults, whether it is in the definition or not.
 * @returns the values under the names of the variables, frozen
 * @throws StartupError with all faults at once: path = name of the variable as it was written, fix = the line to write;
 *   no fault shows a secret
 */
export function loadSettings<D extends SettingsDefinition>(definition: D, options: LoadOptions<D> = {}): Settings<D> {
  return settingsOf(readSettings(definition, options), options)
}

/** The settings of a reading without faults. @throws StartupError */
export function settingsOf<D extends SettingsDefinition>(reading: Reading<D>, options: LoadOptions<D>): Settings<D> {
  for (const warning of reading.warnings) (options.warn ?? emitWarning)(warning)
  if (reading.faults.length > 0) throw new StartupError(reading.faults)
  return reading.values as Settings<D>
}

export interface Reading<D extends SettingsDefinition> {
  readonly values: Partial<Settings<D>>
  readonly environment: Environment
  readonly faults: readonly StartupFault[]
  readonly warnings: readonly StartupFault[]
}

/** As {@link loadSettings}, without judging: what could be read beside what is wrong. */
export function readSettings<D extends SettingsDefinition>(definition: D, options: LoadOptions<D> = {}): Reading<D> {
  const faults: StartupFault[] = []
  const warnings: StartupFault[] = []
  const { sources, environment } = openSources(options, faults)
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(definition)) {
    if (name === 'ENVIRONMENT') {
      values[name] = environment
      continue
    }
    const result = readOne(name, definition[name]!, sources, environment, warnings)
    if ('fault' in result) faults.push(result.fault)
    else values[name] = frozen(result.value)
  }
  const known = Object.freeze(values) as Partial<Settings<D>>
  faults.push(...(options.check?.(known, environment) ?? []))
  return { values: known, environment, faults, warnings }
}

function openSources(options: Where, faults: StartupFault[]): { sources: Source[]; environment: Environment } {
  const folder = options.files ?? (options.env ? false : '.')
  const outside = environmentSource(options.env ?? process.env)
  const shared = folder === false ? undefined : readEnvFile(folder, '.env', faults)
  const text = textIn(outside, 'ENVIRONMENT') ?? (shared && textIn(shared, 'ENVIRONMENT'))
  const named = environments.find((one) => one === text)
  if (options.environment === undefined && text !== undefined && named === undefined) {
    // Read on as production, the strictest, so that the other faults are found in the same start.
    const shown = JSON.stringify(text.slice(0, 40))
    faults.push({
      path: 'ENVIRONMENT',
      problem: `${shown} is none of ${environments.join(', ')}`,
      fix: 'ENVIRONMENT=production',
    })
  }
  const environment = options.environment ?? named ?? 'production'
  if (folder === false || !shared) return { sources: [outside], environment }
  const own = readEnvFile(folder, `.env.${environment}`, faults)
  const again = textIn(own, 'ENVIRONMENT')
  if (again !== undefined && again !== environment) {
    const problem = `is set in .env.${environment}, the file that it chose itself`
    faults.push({
      path: 'ENVIRONMENT',
      problem,
      fix: `remove the line from .env.${environment}; set it in .env or outside`,
    })
  }
  return { sources: [outside, own, shared], environment }
}

type Result = { readonly value: unknown } | { readonly fault: StartupFault }

function readOne(
  name: string,
  setting: Setting,
  sources: readonly Source[],
  environment: Environment,
  warnings: StartupFault[],
): Result {
  const found = find(name, setting, sources, warnings)
  if (!found) {
    const unset = unsetValue(setting, environment)
    if (unset) return unset
    const where = setting.requiredIn ? ` where ENVIRONMENT is ${environment}` : ''
    return { fault: { path: name, problem: `is not set${where}. ${setting.description}`, fix: fixOf(name, setting) } }
  }
  const { key, text, source } = found
  const where = source.file === undefined ? '' : ` (in ${source.file})`
  if (source.cut.has(key)) {
    return { fault: { path: key, problem: `its value ends at a #${where}`, fix: `put it into quotes: ${key}='…'` } }
  }
  const messages = judge(setting, text)
  if (!Array.isArray(messages)) return messages
  const problem = isSecret(name, setting)
    ? `${withoutPartsOf(messages.join('; '), text)}${where}`
    : `${shown(text)}: ${messages.join('; ')}${where}`
  return { fault: { path: key, problem, fix: fixOf(key, setting) } }
}

function judge(setting: Setting, text: string): { readonly value: unknown } | string[] {
  try {
    const result = setting.schema.safeParse(text)
    if (result.success) return { value: result.data }
    return result.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  } catch {
    // What was thrown is not told: it may quote the value in a form that no masking finds.
    return ['the schema threw; it must be synchronous and report issues instead']
  }
}

function find(name: string, setting: Setting, sources: readonly Source[], warnings: StartupFault[]) {
  for (const source of sources) {
    const given = [name, ...(setting.aliases ?? [])].flatMap((key) => {
      const text = textIn(source, key)
      return text === undefined ? [] : [{ key, text, source }]
    })
    const [first, ...others] = given
    if (!first) continue
    for (const other of others.filter(({ text }) => text !== first.text)) {
      // A warning, not a fault: platforms set their own name (CLAUDE_INTERNAL_PORT) for everyone they start.
      warnings.push({ path: other.key, problem: `differs from ${first.key}, which is used`, fix: `unset ${other.key}` })
    }
    return first
  }
  return undefined
}

const fixOf = (key: string, setting: Setting): string => setting.fix ?? exampleLine(key, setting)

/** Masked all the same: not every URL with a password in it is declared a secret. */
function shown(text: string): string {
  const safe = maskText(text)
  return JSON.stringify(safe.length > 60 ? `${safe.slice(0, 59)}…` : safe)
}

function frozen(value: unknown): unknown {
  const plain =
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
  return plain ? Object.freeze(value) : value
}

function emitWarning({ path, problem, fix }: StartupFault): void {
  process.emitWarning(`${path}: ${problem}. Fix: ${fix}`, { type: 'SettingsWarning', code: 'PLINTH_SETTINGS' })
}
