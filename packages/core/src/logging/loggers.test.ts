import { DrizzleQueryError } from 'drizzle-orm/errors'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { logEvents } from './events.ts'
import { jsonLogger } from './json-logger.ts'
import { platformLogger } from './platform-logger.ts'
import { prettyLogger } from './pretty-logger.ts'
import { silentLogger } from './silent-logger.ts'

const clock: Clock = { now: () => new Date('2026-01-02T03:04:05.678Z') }

function capture() {
  const lines: string[] = []
  return {
    destination: { write: (line: string) => lines.push(line) },
    text: () => lines.join(''),
    last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>,
    lines,
  }
}

describe('jsonLogger', () => {
  test('writes one object a line', () => {
    const out = capture()
    jsonLogger({ ...out, clock }).info(logEvents.requestCompleted, { method: 'GET', status: 200 })
    expect(out.text()).toBe(
      '{"level":"info","time":"2026-01-02T03:04:05.678Z","name":"plinth","method":"GET","status":200,"event":"request_completed"}\n',
    )
  })

  test('each level and above; silent is nothing; a change reaches the children', () => {
    const out = capture()
    const log = jsonLogger({ ...out, level: 'warn' })
    const child = log.child({ a: 1 })
    const all = () => (['debug', 'info', 'warn', 'error'] as const).forEach((level) => child[level](level))
    all()
    expect(out.lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'error'])
    log.level = 'debug'
    all()
    expect(out.lines).toHaveLength(6)
    child.level = 'silent'
    all()
    expect(out.lines).toHaveLength(6)
    expect(log.level).toBe('silent')
  })

  test('below the level nothing of the line is looked at', () => {
    const log = jsonLogger({ ...capture(), level: 'info' })
    const fields = {
      get costly(): number {
        throw new Error('was read')
      },
    }
    const read = vi.spyOn(fields, 'costly', 'get')
    log.debug('x', fields)
    expect(read).not.toHaveBeenCalled()
  })

  test('the fields of a child are those of when it was made, whenever it says something', () => {
    const out = capture()
    const fields = { requestId: 'r1', user: { id: 1 } }
    const texts = { requestId: 'r1' }
    const [nested, plain] = [jsonLogger(out).child(fields), jsonLogger(out).child(texts)]
    fields.user.id = 2
    texts.requestId = 'r2'
    nested.info('x')
    expect(out.last()).toMatchObject({ requestId: 'r1', user: { id: 1 } })
    plain.info('x')
    expect(out.last()).toMatchObject({ requestId: 'r1' })
  })

  test('children add fields, later ones win, no name stands twice', () => {
    const out = capture()
    const log = jsonLogger(out)
      .child({ requestId: 'r1', tenant: 'a', password: 'canary' })
      .child({ tenant: 'b', name: 'relay' })
    log.info('x', { requestId: 'r2', level: 'fake', event: 'fake', name: 'fake' })
    expect(out.last()).toMatchObject({
      requestId: 'r2',
      tenant: 'b',
      name: 'relay',
      level: 'info',
      event: 'x',
      level_: 'fake',
      event_: 'fake',
      name_: 'fake',
    })
    for (const name of ['requestId', 'tenant', 'name', 'level', 'event'])
      expect(out.text().split(`"${name}":`)).toHaveLength(2)
    expect(out.text()).not.toContain('canary')
  })

  test('an error comes with stack, code and causes', () => {
    const out = capture()
    const cause = Object.assign(new TypeError('inner a@example.com'), { code: 'ECONNREFUSED', parameters: ['canary'] })
    jsonLogger(out).error('request_failed', { error: new Error('outer', { cause }) })
    expect(out.last()['error']).toMatchObject({
      type: 'Error',
      message: 'outer',
      stack: expect.stringContaining('loggers.test.ts') as string,
      cause: { type: 'TypeError', message: 'inner [email]', code: 'ECONNREFUSED' },
    })
    expect(out.text()).not.toContain('canary')
  })

  test("the parameters in Drizzle's messages are left out, of message and stack", () => {
    const out = capture()
    const error = new DrizzleQueryError(
      'insert into users values ($1, $2)',
      ['canary-name', 'canary\n    hash'],
      new Error('duplicate key'),
    )
    jsonLogger(out).error('request_failed', { error })
    expect(out.text()).not.toContain('canary')
    expect(out.text()).toContain('insert into users')
    expect(out.text()).toContain('duplicate key')
  })

  test('an AggregateError and a chain without end', () => {
    const out = capture()
    const loop = new Error('loop')
    loop.cause = loop
    jsonLogger(out).error('x', { error: new AggregateError([loop, 'plain', { password: 'canary' }], 'all') })
    expect(out.last()['error']).toMatchObject({ errors: [{ message: 'loop' }, 'plain', '[object Object]'] })
    expect(out.text()).not.toContain('canary')
  })

  test('no value begins a line of its own', () => {
    const out = capture()
    const evil = 'a\r\n{"level":"error","event":"fake"}\u2028'
    jsonLogger(out).info(evil, { evil, [evil]: evil, error: new Error(evil) })
    expect(out.text().match(/[\r\n]/g)).toEqual(['\n'])
    expect(out.last()['evil']).toBe(evil)
  })

  test('never throws: getters, proxies, a full disk', () => {
    const out = capture()
    const log = jsonLogger(out)
    const fields = {
      get bad(): string {
        throw new Error('canary')
      },
    }
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('canary')
        },
      },
    )
    log.info('x', fields)
    log.info('x', { proxy })
    log.child(fields).info('x', {
      toJSON: {
        toJSON: () => {
          throw new Error('x')
        },
      },
    })
    expect(out.lines).toHaveLength(3)
    expect(out.lines.every((line) => line.includes('"unprintable":true'))).toBe(true)
    expect(() =>
      jsonLogger({
        destination: {
          write: () => {
            throw new Error('ENOSPC')
          },
        },
      }).info('x'),
    ).not.toThrow()
  })

  test("takes a '%' and fields that look like a request as they are", () => {
    const out = capture()
    jsonLogger(out).info('100%s %d %j', { method: 'GET', headers: { authorization: 'canary' }, url: '/x' })
    expect(out.last()).toMatchObject({ event: '100%s %d %j', method: 'GET', headers: { authorization: '[redacted]' } })
  })
})

describe('prettyLogger', () => {
  const pretty = (color = false) => {
    const out = capture()
    return { ...out, log: prettyLogger({ destination: out.destination, clock, color, level: 'debug' }) }
  }

  test('writes one line for people', () => {
    const { log, text } = pretty()
    log
      .child({ requestId: 'r1' })
      .info('request_completed', { path: '/a b', n: 1, list: [1], password: 'canary', to: 'a@example.com' })
    expect(text()).toBe(
      '03:04:05.678 info  plinth request_completed requestId=r1 path="/a b" n=1 list=[1] password=[redacted] to=[email]\n',
    )
  })

  test('puts stacks below, indented, so that a message cannot forge a line', () => {
    const { log, text } = pretty()
    log.error('request_failed', {
      error: new Error('boom\n03:04:05.678 info  plinth forged', { cause: new TypeError('inner') }),
    })
    const [first, ...others] = text().trimEnd().split('\n')
    expect(first).toBe(
      '03:04:05.678 error plinth request_failed error="Error: boom\\n03:04:05.678 info  plinth forged"',
    )
    expect(others.every((line) => line.startsWith('    '))).toBe(true)
    expect(others.some((line) => line.includes('TypeError: inner'))).toBe(true)
  })

  test('shows control characters instead of obeying them', () => {
    const { log, text } = pretty()
    const evil = '\u001B[2J\u009B31m\r\n\u202Eabc\u0000'
    log.info(evil, { [evil]: evil, list: [evil], error: new Error(evil) })
    expect(text().replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202E/u)
  })

  test('has color where it is wanted', () => {
    const { log, text } = pretty(true)
    log.warn('x')
    expect(text()).toBe('03:04:05.678 \u001B[33mwarn \u001B[0m plinth x\n')
  })
})

test('platformLogger is pretty in development and JSON elsewhere, at the level of the settings', () => {
  const [pretty, json] = [capture(), capture()]
  platformLogger({ ENVIRONMENT: 'development', LOG_LEVEL: 'debug' }, pretty).debug('x')
  const log = platformLogger({ ENVIRONMENT: 'production', LOG_LEVEL: 'warn' }, json)
  log.info('x')
  log.warn('y')
  expect(pretty.text()).toMatch(/ debug plinth x\n$/)
  expect(json.lines).toHaveLength(1)
  expect(json.last()).toMatchObject({ event: 'y' })
})

describe('canaries', () => {
  afterEach(() => vi.restoreAllMocks())

  test('planted where secrets are, show in no line of either logger', () => {
    const canary = 'c4n4ry'
    const fields = {
      headers: {
        authorization: `Bearer ${canary}abc`,
        cookie: `session_id=${canary}`,
        'x-api-key': canary,
        'set-cookie': [`a=${canary}`],
      },
      url: `/api/v1/x?api_key=${canary}&token=${canary}`,
      body: {
        email: `${canary}@example.com`,
        password: canary,
        mfa_token: canary,
        otp: '123456',
        nested: { recoveryCodes: [canary] },
      },
      database: `postgres://app:${canary}@db/x`,
      note: `key plk_${canary}abc, hook whsec_${canary}, jwt eyJ${canary}abc.eyJ${canary}.${canary}`,
      error: Object.assign(new Error(`login of ${canary}@example.com with Bearer ${canary}`), {
        query: canary,
        parameters: [canary],
      }),
      bytes: new TextEncoder().encode(canary),
    }
    for (const make of [jsonLogger, prettyLogger]) {
      const out = capture()
      const log = make({ ...out, level: 'debug' })
      for (const level of ['debug', 'info', 'warn', 'error'] as const)
        log.child(fields).child({ inner: fields })[level](`x Bearer ${canary}abc`, fields)
      expect(out.lines.length).toBeGreaterThanOrEqual(4)
      expect(out.text()).not.toContain(canary)
    }
  })
})

test('silentLogger is silent', () => {
  const write = vi.spyOn(process.stdout, 'write')
  silentLogger.child({ a: 1 }).error('x')
  expect(write).not.toHaveBeenCalled()
})

test('event names are what people search for: snake_case, each once', () => {
  const names = Object.values(logEvents)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
})
