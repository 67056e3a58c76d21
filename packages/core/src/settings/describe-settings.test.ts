import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSettings } from './define-settings.ts'
import { describeSettings, envExample } from './describe-settings.ts'
import { loadSettings } from './load-settings.ts'
import { csv, port } from './value-schemas.ts'

const definition = defineSettings({
  PORT: { schema: port(), default: 8000, aliases: ['API_PORT'], description: 'The port.', group: 'Server' },
  MAIL_FROM: { schema: z.email(), description: 'The sender.', example: 'a@b.example', group: 'Mail' },
  ORIGINS: {
    schema: csv(),
    default: ['a', 'b'],
    defaultIn: { production: [] },
    description: 'Origins.',
    group: 'Server',
  },
  TOKEN: { schema: z.string(), default: 'canary-default', description: 'A secret.' },
  KEY: { schema: z.string().optional(), requiredIn: ['production'], description: 'Another.\nOn two lines.' },
  NOTE: { schema: z.string(), default: 'two\nlines # x', description: `${'word '.repeat(40)}end` },
})

describe('describeSettings', () => {
  test('is data', () => {
    const [port, mail, , token, key] = describeSettings(definition)
    expect(port).toEqual({
      name: 'PORT',
      group: 'Server',
      description: 'The port.',
      aliases: ['API_PORT'],
      secret: false,
      reloadable: false,
      requiredIn: [],
      defaults: { development: '8000', test: '8000', staging: '8000', production: '8000' },
      example: undefined,
    })
    expect(mail).toMatchObject({
      requiredIn: ['development', 'test', 'staging', 'production'],
      defaults: {},
      example: 'a@b.example',
    })
    expect(token?.secret).toBe(true)
    expect(token?.defaults).toEqual({})
    expect(key).toMatchObject({ requiredIn: ['production'] })
  })
})

describe('envExample', () => {
  const text = envExample(definition)

  test('names every variable once, under its group', () => {
    for (const name of Object.keys(definition)) expect(text.match(new RegExp(`^(# )?${name}=`, 'gm'))).toHaveLength(1)
    expect([...text.matchAll(/^# ── (\w+)/gm)].map((match) => match[1])).toEqual(['Server', 'Mail', 'Settings'])
    expect(text.indexOf('ORIGINS=')).toBeLessThan(text.indexOf('Mail'))
  })

  test('opens only what must be set in development; the rest is comment', () => {
    expect({ ...parseEnv(text) }).toEqual({ MAIL_FROM: '' })
  })

  test('a copy is read like no file at all', () => {
    const env = { ...parseEnv(text), MAIL_FROM: 'x@y.example', KEY: 'k' }
    expect(loadSettings(definition, { env })).toEqual(
      loadSettings(definition, { env: { MAIL_FROM: 'x@y.example', KEY: 'k' } }),
    )
  })

  test('an uncommented default is the default', () => {
    const open = text.replaceAll(/^# ([A-Z]+=)/gm, '$1')
    expect(loadSettings(definition, { env: { ...parseEnv(open), MAIL_FROM: 'x@y.example', KEY: 'k' } })).toMatchObject({
      PORT: 8000,
    })
  })

  test('shows no secret default, and short lines', () => {
    expect(text).not.toContain('canary')
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  test('reads well', () => {
    expect(text.split('\n').slice(2, 12).join('\n')).toBe(`# ── Server ${'─'.repeat(70)}

# The port.
# Also read from: API_PORT
# PORT=8000

# Origins.
# Default in production: unset
# ORIGINS=a,b
`)
  })
})
