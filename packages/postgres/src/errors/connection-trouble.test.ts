import { describe, expect, test } from 'vitest'
import { classify } from './connection-trouble.ts'
import { DriverError, nothingLasts, ownError } from './driver-error.ts'

const withCode = (code: string, more: Record<string, unknown> = {}): Error =>
  Object.assign(new Error(code), { code, ...more })

describe('SQLSTATEs', () => {
  test.each([
    ['08001', 'connection', false],
    ['08004', 'connection', false],
    ['08006', 'connection', 'unknown'],
    ['08P01', 'connection', 'unknown'],
    ['57P01', 'connection', 'unknown'],
    ['57P02', 'connection', 'unknown'],
    ['57P03', 'connection', false],
    ['53300', 'connection', false],
    ['28P01', 'connection', false],
    ['28000', 'connection', false],
    ['3D000', 'connection', false],
    ['40003', 'connection', 'unknown'],
    ['53100', 'overloaded', true],
    ['53200', 'overloaded', true],
    ['53400', 'overloaded', true],
    ['57P04', 'connection', 'unknown'],
    ['57P05', 'connection', 'unknown'],
    ['58030', 'overloaded', true],
    ['25006', 'read_only', false],
    ['57014', 'timeout', true],
    ['55P03', 'timeout', true],
    ['25P03', 'timeout', true],
    ['40001', 'serialization', true],
    ['40P01', 'serialization', true],
    ['23505', 'constraint', true],
    ['23503', 'constraint', true],
    ['23P01', 'constraint', true],
    ['42501', 'permission', true],
    ['22P02', 'input', true],
    ['22021', 'input', true],
    ['42P01', 'schema', true],
    ['42703', 'schema', true],
    ['42883', 'schema', true],
    ['42601', 'other', true],
    ['P0001', 'other', true],
    ['XX000', 'other', true],
    ['25P02', 'other', true],
  ])('%s is %s, sent %s', (code, kind, sent) => {
    expect(classify(withCode(code))).toEqual({ kind, code, sent })
  })
})

test('a plan that is void may be made anew, where other things that there are not stay so', () => {
  const stale = withCode('0A000', { routine: 'RevalidateCachedQuery' })
  expect(classify(stale)).toEqual({ kind: 'serialization', code: '0A000', sent: true })
  expect(classify(withCode('26000'))).toMatchObject({ kind: 'serialization' })
  expect(classify(withCode('0A000', { routine: 'transformSelectStmt' }))).toMatchObject({ kind: 'other' })
})

describe('codes of Node and postgres.js', () => {
  test.each([
    ['ECONNREFUSED', false],
    ['ENOTFOUND', false],
    ['EAI_AGAIN', false],
    ['EHOSTUNREACH', false],
    ['CONNECT_TIMEOUT', false],
    ['CONNECTION_ENDED', false],
    ['CERT_HAS_EXPIRED', false],
    ['CONNECTION_CLOSED', 'unknown'],
    ['CONNECTION_DESTROYED', 'unknown'],
    ['ECONNRESET', 'unknown'],
    ['EPIPE', 'unknown'],
    ['ETIMEDOUT', 'unknown'],
  ])('%s is trouble with the connection, sent %s', (code, sent) => {
    expect(classify(withCode(code))).toEqual({ kind: 'connection', code, sent })
  })

  test('at connecting nothing was sent, whatever the code', () => {
    for (const code of ['ECONNRESET', 'ETIMEDOUT', 'ENOENT', 'EACCES']) {
      expect(classify(withCode(code, { syscall: 'connect' }))).toEqual({ kind: 'connection', code, sent: false })
    }
  })

  test('a missing file elsewhere is not trouble with the connection', () => {
    expect(classify(withCode('ENOENT', { syscall: 'open' }))).toMatchObject({ kind: 'other', code: 'ENOENT' })
  })
})

describe('places', () => {
  const place = { table: 'item', schema: 'public', constraint: 'item_pkey', column: 'id' }

  test('are read from both clients', () => {
    const postgresJs = { table_name: 'item', schema_name: 'public', constraint_name: 'item_pkey', column_name: 'id' }
    expect(classify(withCode('23505', postgresJs))).toMatchObject(place)
    expect(classify(withCode('23505', place))).toMatchObject(place)
  })

  test('are left out where unknown, and the row is never quoted', () => {
    const error = withCode('23505', { table_name: '', detail: 'Key (email)=(a@b.example) already exists.' })
    expect(classify(error)).toEqual({ kind: 'constraint', code: '23505', sent: true })
  })
})

describe('what the drivers found out themselves', () => {
  test.each([
    ['overloaded', 'overloaded'],
    ['closed', 'connection'],
    ['unreachable', 'connection'],
    ['not_migrated', 'schema'],
    ['transaction_idle', 'timeout'],
    ['transaction_over', 'other'],
    ['data_locked', 'other'],
  ] as const)('%s is %s', (code, kind) => {
    expect(classify(new DriverError(code, 'words'))).toEqual({ kind, code, sent: false })
  })

  test('keeps what is known about the sending', () => {
    expect(classify(new DriverError('no_answer', 'words', { sent: 'unknown' }))).toMatchObject({ sent: 'unknown' })
    const lost = withCode('CONNECTION_CLOSED')
    nothingLasts(lost)
    expect(classify(lost)).toEqual({ kind: 'connection', code: 'CONNECTION_CLOSED', sent: false })
  })

  test('an error of one’s own says the same, and what is noted on it is nobody else’s', () => {
    const unknown = new DriverError('no_answer', 'words', { sent: 'unknown', cause: new Error('why') })
    for (const shared of [unknown, withCode('CONNECTION_CLOSED')]) {
      const [one, other] = [ownError(shared), ownError(shared)]
      expect([classify(one), classify(other)]).toEqual([classify(shared), classify(shared)])
      nothingLasts(one)
      expect([one, other, shared].map((error) => classify(error).sent)).toEqual([false, 'unknown', 'unknown'])
    }
    expect(ownError('no error')).toBe('no error')
  })

  test('reads the copy of another installation', () => {
    const foreign = Object.assign(new Error('words'), { name: 'DriverError', code: 'overloaded', sent: false })
    expect(classify(foreign)).toEqual({ kind: 'overloaded', code: 'overloaded', sent: false })
  })
})

describe('wrapped errors', () => {
  test('are looked through', () => {
    const cause = withCode('23505', { table_name: 'item' })
    expect(classify(new Error('Failed query', { cause }))).toEqual({
      kind: 'constraint',
      code: '23505',
      table: 'item',
      sent: true,
    })
    expect(classify(withCode('unavailable', { cause: new Error('drizzle', { cause }) }))).toMatchObject({
      code: '23505',
    })
  })

  test('know on the outside that nothing lasts', () => {
    const outer = new Error('in a transaction', { cause: withCode('CONNECTION_CLOSED') })
    nothingLasts(outer)
    expect(classify(outer)).toMatchObject({ kind: 'connection', sent: false })
  })

  test('may be their own cause', () => {
    const endless = new Error('endless')
    endless.cause = endless
    expect(classify(endless)).toEqual({ kind: 'other', code: '', sent: 'unknown' })
  })
})

test.each([undefined, null, 'text', 42, {}, new Error('plain'), withCode('not_found')])('%s is other', (thrown) => {
  expect(classify(thrown)).toMatchObject({ kind: 'other', sent: 'unknown' })
})

test('an embedded database that is closed or broken is trouble with the connection', () => {
  expect(classify(new Error('PGlite is closed'))).toMatchObject({ kind: 'connection', sent: false })
  const broken = Object.assign(new Error('unreachable'), { name: 'RuntimeError' })
  expect(classify(broken)).toMatchObject({ kind: 'connection', sent: 'unknown' })
})
