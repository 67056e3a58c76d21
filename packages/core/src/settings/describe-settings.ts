import { environments, isSecret, unsetValue } from './define-settings.ts'
import type { Environment, Setting, SettingsDefinition } from './define-settings.ts'
import { envLine } from './env-files.ts'

/** One variable as data, for documentation and tools. */
export interface SettingInfo {
  readonly name: string
  readonly group: string
  readonly description: string
  readonly aliases: readonly string[]
  readonly secret: boolean
  readonly reloadable: boolean
  /** The environments in which it must be set. */
  readonly requiredIn: readonly Environment[]
  /** As text, per environment; absent where there is none. A secret's default is not told. */
  readonly defaults: Readonly<Partial<Record<Environment, string>>>
  readonly example: string | undefined
}

const otherGroup = 'Settings'

/** The variables of a definition, in its order. Reads nothing from the environment. */
export function describeSettings(definition: SettingsDefinition): readonly SettingInfo[] {
  return Object.keys(definition).map((name) => {
    const setting = definition[name]!
    const secret = isSecret(name, setting)
    const defaults: Partial<Record<Environment, string>> = {}
    const requiredIn: Environment[] = []
    for (const environment of environments) {
      const unset = unsetValue(setting, environment)
      if (!unset) requiredIn.push(environment)
      else if (unset.value !== undefined && !secret) defaults[environment] = textOf(unset.value)
    }
    return {
      name,
      group: setting.group ?? otherGroup,
      description: setting.description,
      aliases: setting.aliases ?? [],
      secret,
      reloadable: setting.reloadable ?? false,
      requiredIn,
      defaults,
      example: setting.example,
    }
  })
}

/**
 * The text of `.env.example`: every variable under its group with its description, defaults commented out. What must be set
 * in development stands as an open line, so that a copy named `.env` is a start; secrets are never filled in.
 */
export function envExample(definition: SettingsDefinition): string {
  const infos = describeSettings(definition)
  const lines = [
    '# Copy to .env and change what you need. Variables of the environment win over this file; empty means unset.',
  ]
  for (const group of new Set(infos.map((info) => info.group))) {
    lines.push('', `# ── ${group} ${'─'.repeat(Math.max(0, 76 - group.length))}`)
    for (const info of infos.filter((one) => one.group === group)) lines.push('', ...example(info))
  }
  return `${lines.join('\n')}\n`
}

function example(info: SettingInfo): string[] {
  const { name, defaults, requiredIn } = info
  const comments = [...wrapped(info.description)]
  const here = defaults.development ?? ''
  const elsewhere = new Map<string, Environment[]>()
  for (const one of environments) {
    const other = defaults[one] ?? ''
    if (other !== here && !requiredIn.includes(one)) elsewhere.set(other, [...(elsewhere.get(other) ?? []), one])
  }
  for (const [other, at] of elsewhere)
    comments.push(`Default in ${at.join(', ')}: ${other === '' ? 'unset' : visible(other)}`)
  if (requiredIn.length === environments.length) comments.push('Must be set.')
  else if (requiredIn.length > 0) comments.push(`Must be set where ENVIRONMENT is ${requiredIn.join(', ')}.`)
  if (info.aliases.length > 0) comments.push(`Also read from: ${info.aliases.join(', ')}`)
  if (info.example !== undefined && info.example !== here) comments.push(`Example: ${visible(info.example)}`)
  const open = requiredIn.includes('development')
  const line = (open || info.secret ? undefined : envLine(name, here)) ?? `${name}=`
  // A commented line must stay one line: the second one of a default with a line break would not be a comment.
  return [...comments.map((text) => `# ${text}`), ...(open ? [line] : line.split('\n').map((part) => `# ${part}`))]
}

/** The line that shows what a value looks like: the fix of a fault. */
export function exampleLine(name: string, setting: Setting): string {
  const value = setting.example ?? (isSecret(name, setting) ? undefined : textOf(setting.default))
  const line = value === undefined || value === '' ? undefined : envLine(name, value)
  return line ?? `${name}=<value>`
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).join(',')
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : `${value as number | bigint | boolean}`
}

const visible = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ')

function wrapped(text: string, width = 100): string[] {
  const lines: string[] = []
  for (const paragraph of text.trim().split(/\r?\n/)) {
    let line = ''
    for (const one of paragraph.split(/\s+/)) {
      if (line !== '' && line.length + one.length >= width) {
        lines.push(line)
        line = ''
      }
      line = line === '' ? one : `${line} ${one}`
    }
    lines.push(line)
  }
  return lines
}
