import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { StartupError } from '../errors/startup-error.ts'
import { defineSettings } from './define-settings.ts'
import { platformSettings } from './platform-settings.ts'
import { settingsStore } from './settings-store.ts'
import { csv, port } from './value-schemas.ts'

const definition = defineSettings({
  PORT: { schema: port(), default: 8000, description: 'Port.' },
  LEVEL: { schema: z.enum(['low', 'high']), default: 'low', reloadable: true, description: 'Level.' },
  HOSTS: { schema: csv(), default: [], reloadable: true, description: 'Hosts.' },
})

let folder: string
const write = (text: string) => writeFileSync(join(folder, '.env'), text)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-store-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('reload', () => {
  test('switches what is reloadable, keeps the rest, and tells both', () => {
    write('LEVEL=low\nHOSTS=a')
    const store = settingsStore(definition, { env: {}, files: folder })
    const before = store.current
    const listener = vi.fn<() => void>()
    store.subscribe(listener)
    write('LEVEL=high\nHOSTS=a\nPORT=9000')
    expect(store.reload()).toEqual({ changed: ['LEVEL'], pending: ['PORT'] })
    expect(store.current).toEqual({ PORT: 8000, LEVEL: 'high', HOSTS: ['a'] })
    expect(Object.isFrozen(store.current)).toBe(true)
    expect(before.LEVEL).toBe('low')
    expect(listener.mock.calls).toEqual([[store.current, ['LEVEL']]])
  })

  test('says nothing where nothing changed', () => {
    const listener = vi.fn<() => void>()
    const store = settingsStore(definition, { env: { HOSTS: 'a,b' } })
    store.subscribe(listener)
    const before = store.current
    expect(store.reload()).toEqual({ changed: [], pending: [] })
    expect(store.current).toBe(before)
    expect(listener).not.toHaveBeenCalled()
  })

  test('keeps everything on any fault, also of a variable that could not change', () => {
    write('LEVEL=low')
    const store = settingsStore(definition, { env: {}, files: folder })
    write('LEVEL=high\nPORT=x')
    expect(() => store.reload()).toThrow(StartupError)
    expect(store.current.LEVEL).toBe('low')
  })

  test('checks the mixture of new and kept values', () => {
    write('PORT=1\nLEVEL=low')
    const check = (values: { PORT?: number; LEVEL?: string }) =>
      values.PORT === 1 && values.LEVEL === 'high'
        ? [{ path: 'LEVEL', problem: 'not on port 1', fix: 'LEVEL=low' }]
        : []
    const store = settingsStore(definition, { env: {}, files: folder, check })
    write('PORT=2\nLEVEL=high')
    expect(() => store.reload()).toThrow('not on port 1')
    expect(store.current.LEVEL).toBe('low')
  })

  test('stays in the environment of the start', () => {
    const byEnvironment = defineSettings({
      LEVEL: {
        schema: z.string(),
        default: 'strict',
        defaultIn: { development: 'lax' },
        reloadable: true,
        description: 'x',
      },
    })
    write('ENVIRONMENT=production')
    const store = settingsStore(byEnvironment, { env: {}, files: folder })
    write('ENVIRONMENT=development')
    expect(store.reload().changed).toEqual([])
    expect(store.current.LEVEL).toBe('strict')
  })

  test('equal keys are no change', () => {
    const env = { SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}` }
    const store = settingsStore(platformSettings, { env })
    expect(store.reload()).toEqual({ changed: [], pending: [] })
    env.SECRET_KEYS = `k1:${randomBytes(32).toString('base64')}`
    expect(store.reload()).toEqual({ changed: [], pending: ['SECRET_KEYS'] })
  })
})

describe('listeners', () => {
  test('all hear it, even behind one that throws', () => {
    const env: Record<string, string> = {}
    const store = settingsStore(definition, { env })
    const second = vi.fn<() => void>()
    store.subscribe(() => {
      throw new Error('first')
    })
    const end = store.subscribe(second)
    env['LEVEL'] = 'high'
    expect(() => store.reload()).toThrow(AggregateError)
    expect(second).toHaveBeenCalledOnce()
    expect(store.current.LEVEL).toBe('high')
    end()
    env['LEVEL'] = 'low'
    expect(() => store.reload()).toThrow(AggregateError)
    expect(second).toHaveBeenCalledOnce()
  })

  test('cannot reload', () => {
    const env: Record<string, string> = {}
    const store = settingsStore(definition, { env })
    store.subscribe(() => void store.reload())
    env['LEVEL'] = 'high'
    expect(() => store.reload()).toThrow(AggregateError)
    env['LEVEL'] = 'low'
    expect(() => store.reload()).toThrow(AggregateError) // and not: "was called by a listener" for ever
  })
})
