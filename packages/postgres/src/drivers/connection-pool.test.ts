import { afterEach, describe, expect, test, vi } from 'vitest'
import { DriverError } from '../errors/driver-error.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { PoolOptions } from './pool-options.ts'
import type { SingleConnection } from './single-connection.ts'

/** A connection whose statements end when the test says so. */
class FakeConnection implements SingleConnection {
  usable = true
  ready = true
  ended = false
  reason: DriverError | undefined
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
  run(): Promise<never> {
    throw new Error('not used: the work gets the connection')
  }
  command(): Promise<never> {
    throw new Error('not used: the work gets the connection')
  }
  onLost(): () => void {
    return () => undefined
  }
  end(): Promise<void> {
    this.ended = true
    this.usable = false
    return Promise.resolve()
  }
  destroy(reason: DriverError): void {
    this.usable = false
    this.reason = reason
  }
}

function pool(options: Partial<PoolOptions> = {}) {
  const connections: FakeConnection[] = []
  const made = new ConnectionPool(
    () => {
      const connection = new FakeConnection(connections.length)
      connections.push(connection)
      return connection
    },
    { max: 2, maxQueue: 100, maxWaitMs: 10_000, pipeline: 3, maxLifetimeMs: 3_600_000, closeAfterMs: 0, ...options },
  )
  /** Starts work that ends when the test ends it; says on which connection it is, once it has one. */
  const start = (kind: 'shared' | 'alone' | 'behind') => {
    const work: {
      on?: number
      handOver: () => void
      end: () => void
      fail: (error: Error) => void
      done: Promise<unknown>
    } = {
      handOver: () => undefined,
      end: () => undefined,
      fail: () => undefined,
      done: Promise.resolve(),
    }
    const use = async (connection: SingleConnection, handOver: () => void = () => undefined): Promise<void> => {
      work.on = (connection as FakeConnection).number
      work.handOver = handOver
      await new Promise<void>((resolve, reject) => {
        work.end = resolve
        work.fail = reject
      })
    }
    work.done = kind === 'shared' ? made.shared(use) : made.alone(use, kind === 'behind')
    return work
  }
  return { pool: made, connections, start }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('shared statements', () => {
  test('take idle connections first, then the least loaded, then wait', async () => {
    const { start } = pool()
    const started = Array.from({ length: 7 }, () => start('shared'))
    await settle()
    expect(started.map((work) => work.on)).toEqual([0, 1, 0, 1, 0, 1, undefined])
    started[3]?.end()
    await settle()
    expect(started[6]?.on).toBe(1)
  })

  test('prefer a connection that is there to one that must be made', async () => {
    const { start, connections } = pool({ max: 5 })
    for (let time = 0; time < 3; time++) {
      const work = start('shared')
      await settle()
      work.end()
      await work.done
    }
    expect(connections).toHaveLength(1)
  })

  test('are not queued behind one that is slow while others end', async () => {
    const { start } = pool()
    const slow = start('shared')
    const holder = start('shared')
    const behind = start('shared')
    await settle()
    expect([slow.on, holder.on, behind.on]).toEqual([0, 1, 0])
    for (let time = 0; time < 10; time++) {
      const quick = start('shared')
      await settle()
      expect(quick.on).toBe(1)
      quick.end()
      await quick.done
    }
    const later = [start('shared'), start('shared'), start('shared')]
    await settle()
    expect(later.map((work) => work.on)).toEqual([1, 1, undefined])
  })
})

describe('work that is alone', () => {
  test('shares with nobody', async () => {
    const { start } = pool()
    const first = start('alone')
    const others = [start('shared'), start('shared'), start('shared'), start('shared')]
    await settle()
    expect(first.on).toBe(0)
    expect(others.map((work) => work.on)).toEqual([1, 1, 1, undefined])
    first.end()
    await settle()
    expect(others[3]?.on).toBe(0)
  })

  test('is not overtaken: it gets the first connection that becomes empty', async () => {
    const { start } = pool()
    const before = [start('shared'), start('shared'), start('shared')]
    await settle()
    const alone = start('alone')
    const after = start('shared')
    await settle()
    expect([alone.on, after.on]).toEqual([undefined, undefined])
    before[1]?.end()
    await settle()
    expect(alone.on).toBe(1)
    expect(after.on).toBe(0)
  })
})

describe('a connection that is handed over', () => {
  afterEach(() => void vi.useRealTimers())

  test('is taken at once by whoever waits to go behind, and before one that is idle', async () => {
    const { start } = pool({ max: 2 })
    const [first, other] = [start('alone'), start('alone')]
    const waiting = start('behind')
    await settle()
    expect(waiting.on).toBeUndefined()
    first.handOver()
    await settle()
    expect(waiting.on).toBe(0)
    other.end()
    waiting.handOver()
    first.end()
    await settle()
    expect(start('behind').on).toBe(0)
  })

  test('is nobody else’s: a COMMIT may wait for whoever would stand behind it', async () => {
    const { pool: made, start } = pool({ max: 1 })
    const first = start('alone')
    await settle()
    first.handOver()
    const [whole, shared] = [start('alone'), start('shared')]
    await settle()
    expect([whole.on, shared.on, made.use.busy, made.use.waiting]).toEqual([undefined, undefined, 1, 2])
    first.end()
    await settle()
    expect(whole.on).toBe(0)
  })

  test('is followed by one, and by no second one before it is answered', async () => {
    const { start } = pool({ max: 1 })
    const first = start('alone')
    await settle()
    first.handOver()
    const [second, third] = [start('behind'), start('behind')]
    await settle()
    second.handOver()
    await settle()
    expect([second.on, third.on]).toEqual([0, undefined])
    first.end()
    await settle()
    expect(third.on).toBe(0)
  })

  test('is followed in the same turn alone, and not where a COMMIT is slow, or was of late', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    const { start } = pool({ max: 3 })
    const handed = async (): Promise<ReturnType<typeof start>> => {
      const work = start('alone')
      await settle()
      work.handOver()
      return work
    }
    const on = async (): Promise<number | undefined> => {
      const work = start('behind')
      await settle()
      work.end()
      await work.done
      return work.on
    }
    const first = await handed()
    expect(await on()).toBe(first.on)
    vi.advanceTimersByTime(10)
    expect(await on()).not.toBe(first.on)
    vi.advanceTimersByTime(50)
    // Behind none, while one is as slow as that.
    const second = await handed()
    expect(await on()).not.toBe(second.on)
    first.end()
    second.end()
    await settle()
    const third = await handed()
    expect(await on()).not.toBe(third.on)
    third.end()
    await settle()
    vi.advanceTimersByTime(1_001)
    const last = await handed()
    expect(await on()).toBe(last.on)
  })

  test('is not followed when it is lost, or has reached its age', async () => {
    const { start, connections } = pool({ max: 2 })
    const lost = start('alone')
    await settle()
    lost.handOver()
    Object.assign(connections[0] ?? {}, { usable: false })
    expect(start('behind').on).toBe(1)
    const old = pool({ max: 2, maxLifetimeMs: 0 })
    const first = old.start('alone')
    await settle()
    first.handOver()
    expect(old.start('behind').on).toBe(1)
    expect(old.connections[0]?.ended).toBe(false)
  })

  test('is waited for when the pool is closed, and dropped when it takes too long', async () => {
    for (const inTime of [true, false]) {
      const { pool: made, start, connections } = pool({ max: 1, closeAfterMs: 30 })
      const first = start('alone')
      await settle()
      first.handOver()
      const closing = made.close()
      await settle()
      expect(connections[0]?.usable).toBe(true)
      if (inTime) first.end()
      await closing
      expect(connections[0]?.reason).toEqual(inTime ? undefined : expect.objectContaining({ code: 'closed' }))
      if (!inTime) first.fail(new Error('dropped'))
      await first.done.catch(() => undefined)
    }
  })

  test('is so once: what says it again, or when it has ended, says nothing', async () => {
    const { pool: made, start } = pool({ max: 1 })
    const first = start('alone')
    await settle()
    first.handOver()
    first.handOver()
    first.end()
    await first.done
    first.handOver()
    expect(made.use).toMatchObject({ busy: 0 })
    const next = start('alone')
    const waiting = start('behind')
    await settle()
    first.handOver()
    await settle()
    expect([next.on, waiting.on]).toEqual([0, undefined])
  })
})

describe('connections', () => {
  test('that were lost are replaced', async () => {
    const { start, connections } = pool({ max: 1 })
    const lost = start('shared')
    await settle()
    Object.assign(connections[0] ?? {}, { usable: false })
    lost.fail(new Error('lost'))
    await expect(lost.done).rejects.toThrow('lost')
    const next = start('shared')
    await settle()
    expect(next.on).toBe(1)
  })

  test('of a certain age end once nothing runs on them', async () => {
    const { start, connections } = pool({ max: 1, maxLifetimeMs: 0 })
    const first = start('shared')
    const second = start('shared')
    await settle()
    expect([first.on, second.on, connections[0]?.ended]).toEqual([0, undefined, false])
    first.end()
    await settle()
    expect([second.on, connections[0]?.ended]).toEqual([1, true])
  })

  test('that could not be made refuse the whole line', async () => {
    const { start, connections } = pool({ max: 1, pipeline: 1 })
    const first = start('shared')
    const waiting = [start('shared'), start('alone')]
    await settle()
    Object.assign(connections[0] ?? {}, { usable: false, ready: false })
    first.fail(new Error('refused'))
    await expect(first.done).rejects.toThrow('refused')
    for (const one of waiting) await expect(one.done).rejects.toMatchObject({ code: 'unreachable', sent: false })
  })

  test('whose opening throws leave their place free', async () => {
    let broken = true
    const made = new ConnectionPool(
      () => {
        if (broken) throw new TypeError('broken')
        return new FakeConnection(0)
      },
      { max: 1, maxQueue: 0, maxWaitMs: 10_000, pipeline: 1, maxLifetimeMs: 1_000, closeAfterMs: 0 },
    )
    await expect(made.shared(() => Promise.resolve(1))).rejects.toThrow('broken')
    broken = false
    expect(await made.shared(() => Promise.resolve(1))).toBe(1)
  })
})

test('the line is bounded', async () => {
  const { start } = pool({ max: 1, pipeline: 1, maxQueue: 2 })
  const running = start('shared')
  const waiting = [start('shared'), start('shared')]
  await expect(start('shared').done).rejects.toMatchObject({ name: 'DriverError', code: 'overloaded' })
  await settle()
  running.end()
  await settle()
  for (const one of waiting) {
    one.end()
    await settle()
  }
  await Promise.all(waiting.map((one) => one.done))
})

test('closing refuses the line at once and drops what does not end', async () => {
  const { pool: made, start, connections } = pool({ max: 1, pipeline: 1 })
  const running = start('alone')
  const waiting = start('shared')
  await settle()
  const closing = made.close()
  await expect(waiting.done).rejects.toMatchObject({ code: 'closed' })
  await closing
  // Whatever it was may have been done.
  expect(connections[0]).toMatchObject({ usable: false, reason: { code: 'closed', sent: 'unknown' } })
  running.fail(new DriverError('closed', 'dropped'))
  await expect(running.done).rejects.toThrow('dropped')
  expect(made.close()).toBe(closing)
})

describe('a line that does not move', () => {
  test('is left by whoever has waited for too long, in order; the others are served', async () => {
    const { start, pool: made } = pool({ max: 1, pipeline: 1, maxWaitMs: 40 })
    const busy = start('alone')
    const early = start('alone').done.catch((error: unknown) => error)
    expect(await early).toMatchObject({ code: 'overloaded', message: 'None of 1 connections was free within 40 ms' })
    const late = start('alone')
    expect(made.use).toMatchObject({ max: 1, busy: 1, waiting: 1 })
    busy.end()
    await busy.done
    await settle()
    expect(late.on).toBe(0)
    late.end()
    await late.done
    expect(made.use).toEqual({ max: 1, busy: 0, waiting: 0, waitedMs: 0 })
  })
})

test('connections whose server takes no writes are left for new ones, once a second, and what runs on them ends', async () => {
  const { start, connections } = pool()
  const refused = Object.assign(new Error('cannot execute INSERT in a read-only transaction'), { code: '25006' })
  const [first, second] = [start('shared'), start('shared')]
  await settle()
  first.fail(refused)
  await expect(first.done).rejects.toBe(refused)
  // The other one runs on the old server, and ends there.
  expect(connections.map(({ usable }) => usable)).toEqual([true, true])
  const third = start('shared')
  await settle()
  expect(third.on).toBe(2)
  third.fail(refused)
  await expect(third.done).rejects.toBe(refused)
  const fourth = start('shared')
  await settle()
  expect(fourth.on).toBe(2)
  second.end()
  await second.done
  fourth.end()
  await fourth.done
})
