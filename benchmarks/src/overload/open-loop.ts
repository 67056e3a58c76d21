import { LoadConnection, type Script, type Tally } from '../load/load-connection.ts'

export interface Offered {
  /** Requests that left, a second. */
  readonly sent: number
  /** 200 a second: what the service was there for. */
  readonly good: number
  readonly shed: number
  /** Arrivals for which no connection was free: their senders would still be waiting for the last answer. */
  readonly missed: number
  /** Milliseconds of the 200s. */
  readonly p50: number
  readonly p99: number
}

/**
 * Requests that arrive when they arrive, whether or not the ones before were answered, as those of many people do. In a closed loop
 * a slow server is sent less, and no overload is ever seen.
 */
export async function offer(port: number, script: Script, rate: number, seconds: number): Promise<Offered> {
  const idle = await openAll(port, script)
  const running = new Set<Promise<void>>()
  const latencies: number[] = []
  let [arrived, missed, sent, shed] = [0, 0, 0, 0]
  const send = (connection: LoadConnection): void => {
    sent += 1
    const tally: Tally = { latencies: [], statuses: new Map() }
    // Until the past: one request and no more.
    const one = connection.run(0, tally).then(() => {
      if (tally.statuses.has('200')) latencies.push(tally.latencies[0]!)
      else if (tally.statuses.has('503')) shed += 1
      running.delete(one)
      idle.push(connection)
    })
    running.add(one)
  }
  const startedAt = performance.now()
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - startedAt) {
    for (; arrived < (elapsed * rate) / 1_000; arrived += 1) {
      const connection = idle.pop()
      if (connection) send(connection)
      else missed += 1
    }
    // Not spinning: the processor belongs to the server.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(running)
  const took = (performance.now() - startedAt) / 1_000
  for (const connection of idle) connection.close()
  const sorted = latencies.toSorted((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return {
    sent: sent / took,
    good: latencies.length / took,
    shed: shed / took,
    missed: missed / took,
    p50: quantile(0.5),
    p99: quantile(0.99),
  }
}

const CONNECTIONS = 3_000

async function openAll(port: number, script: Script): Promise<LoadConnection[]> {
  const opened: LoadConnection[] = []
  // Some at a time: the line of connections that wait to be taken is finite.
  while (opened.length < CONNECTIONS)
    opened.push(...(await Promise.all(Array.from({ length: 250 }, () => LoadConnection.open(port, script)))))
  return opened
}
