import { isDeepStrictEqual } from 'node:util'
import { StartupError } from '../errors/startup-error.ts'
import type { Environment, Settings, SettingsDefinition } from './define-settings.ts'
import { loadSettings, readSettings, settingsOf, type LoadOptions } from './load-settings.ts'

/** What a reload did. */
export interface Reload {
  /** Variables that have a new value now. */
  readonly changed: readonly string[]
  /** Variables that were changed outside but keep their value until the next start, because they are not reloadable. */
  readonly pending: readonly string[]
}

export type SettingsListener<S> = (settings: S, changed: readonly string[]) => void

/** Settings that can be read again while the process runs. */
export interface SettingsStore<S> {
  /** The settings that hold now. Read it anew each time; a kept reference is a snapshot. */
  readonly current: S
  /**
   * Reads files and environment again. Everything is checked before anything changes: with one fault, all stays as it was.
   * Only variables marked `reloadable` change; the environment (ENVIRONMENT) stays the one of the start.
   * @throws StartupError with all faults; AggregateError when listeners threw (the settings have changed all the same)
   */
  reload(): Reload
  /** Called after each change. @returns a function that ends it */
  subscribe(listener: SettingsListener<S>): () => void
}

/**
 * Loads the settings and keeps them, for reading again at run time (on SIGHUP, say).
 * @throws StartupError as {@link loadSettings}
 */
export function settingsStore<D extends SettingsDefinition>(
  definition: D,
  options: LoadOptions<D> = {},
): SettingsStore<Settings<D>> {
  const reading = readSettings(definition, options)
  return new Store(definition, { ...options, environment: reading.environment }, settingsOf(reading, options))
}

class Store<D extends SettingsDefinition> implements SettingsStore<Settings<D>> {
  readonly #definition: D
  readonly #options: LoadOptions<D> & { readonly environment: Environment }
  readonly #listeners = new Set<SettingsListener<Settings<D>>>()
  #current: Settings<D>
  #telling = false

  constructor(definition: D, options: LoadOptions<D> & { readonly environment: Environment }, first: Settings<D>) {
    this.#definition = definition
    this.#options = options
    this.#current = first
  }

  get current(): Settings<D> {
    return this.#current
  }

  subscribe(listener: SettingsListener<Settings<D>>): () => void {
    // A wrapper of its own, so that one function subscribed twice can be ended one at a time.
    const own: SettingsListener<Settings<D>> = (settings, changed) => listener(settings, changed)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  reload(): Reload {
    // Listeners of the outer change would hear of the inner one first and of the older settings last.
    if (this.#telling) throw new Error('reload() was called by a listener of a reload')
    const fresh = loadSettings(this.#definition, this.#options)
    const names: (keyof D & string)[] = Object.keys(this.#definition)
    const different = names.filter((name) => !isDeepStrictEqual(fresh[name], this.#current[name]))
    const changed = different.filter((name) => this.#definition[name]?.reloadable === true)
    const pending = different.filter((name) => !changed.includes(name))
    if (changed.length === 0) return { changed, pending }
    const next: Settings<D> = { ...this.#current, ...Object.fromEntries(changed.map((name) => [name, fresh[name]])) }
    // The mixture of new and kept values was not checked yet: a pair that fits outside may not fit in here.
    const faults = pending.length > 0 ? (this.#options.check?.(next, this.#options.environment) ?? []) : []
    if (faults.length > 0) throw new StartupError(faults)
    this.#current = Object.freeze(next)
    this.#tell(changed)
    return { changed, pending }
  }

  #tell(changed: readonly string[]): void {
    const failures: unknown[] = []
    this.#telling = true
    // Whoever subscribes meanwhile does so with the new settings in hand.
    const listeners = Array.from(this.#listeners)
    for (const listener of listeners) {
      try {
        listener(this.#current, changed)
      } catch (error) {
        failures.push(error)
      }
    }
    this.#telling = false
    if (failures.length > 0) throw new AggregateError(failures, 'Settings changed, but listeners threw')
  }
}
