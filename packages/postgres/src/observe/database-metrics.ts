import type { MetricSource } from '@plinth/core'
import type { Background } from '../background.ts'
import type { Drivers, PoolUse } from '../drivers/driver.ts'
import { waitingEvents } from '../relay/outbox.ts'

/** What the database shows at `/metrics`. Of the relay nothing where it does not run: nobody listens there. */
export function databaseMetrics(drivers: Drivers, background: Background): readonly MetricSource[] {
  const ofPools = (value: (use: PoolUse) => number) => () =>
    (drivers.pools?.() ?? []).map((use) => ({ labels: { pool: use.pool }, value: value(use) }))
  return [
    {
      name: 'plinth_database_connections_max',
      help: 'Connections to PostgreSQL that this process may have, by login.',
      type: 'gauge',
      labels: ['pool'],
      read: ofPools(({ max }) => max),
    },
    {
      name: 'plinth_database_connections_busy',
      help: 'Connections to PostgreSQL on which something runs, by login.',
      type: 'gauge',
      labels: ['pool'],
      read: ofPools(({ busy }) => busy),
    },
    {
      name: 'plinth_database_waiting',
      help: 'Statements and transactions that wait for a connection, by login.',
      type: 'gauge',
      labels: ['pool'],
      read: ofPools(({ waiting }) => waiting),
    },
    {
      name: 'plinth_relay_leading',
      help: 'Whether this process hands committed events on: 1 in one process, 0 in the others.',
      type: 'gauge',
      read: () => (background.relay ? [{ value: background.relay.isLeading ? 1 : 0 }] : []),
    },
    {
      name: 'plinth_cache_listening',
      help: 'Whether this process hears what others write to resources with cache: 1, or 0 where rows are read again by the clock alone.',
      type: 'gauge',
      read: () => (background.notices.listens === undefined ? [] : [{ value: background.notices.listens ? 1 : 0 }]),
    },
    ...outboxMetrics(drivers, background),
  ]
}

/** Both numbers of one look. */
function outboxMetrics(drivers: Drivers, background: Background): readonly MetricSource[] {
  let look: Promise<{ readonly waiting: number; readonly oldestSeconds: number }> | undefined
  const waiting = () => {
    look ??= drivers
      .system()
      .then(waitingEvents)
      .finally(() => (look = undefined))
    return look
  }
  const read = (value: (seen: Awaited<ReturnType<typeof waiting>>) => number) => async () =>
    background.relay ? [{ value: value(await waiting()) }] : []
  return [
    {
      name: 'plinth_outbox_waiting',
      help: 'Committed events that were not handed on yet, up to 100,000.',
      type: 'gauge',
      read: read((seen) => seen.waiting),
    },
    {
      name: 'plinth_outbox_oldest_seconds',
      help: 'Age of the oldest committed event that was not handed on yet.',
      type: 'gauge',
      read: read((seen) => seen.oldestSeconds),
    },
  ]
}
