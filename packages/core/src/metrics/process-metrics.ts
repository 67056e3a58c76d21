import type { Metrics } from './metrics.ts'

const startedAt = Date.now() / 1_000 - process.uptime()

/** What every process has, under the names that dashboards know. */
export function addProcessMetrics(metrics: Metrics): void {
  metrics.add({
    name: 'process_cpu_seconds_total',
    help: 'Time that this process has spent on processors.',
    type: 'counter',
    read() {
      const { user, system } = process.cpuUsage()
      return [{ value: (user + system) / 1e6 }]
    },
  })
  metrics.add({
    name: 'process_resident_memory_bytes',
    help: 'Memory of this process.',
    type: 'gauge',
    read: () => [{ value: process.memoryUsage.rss() }],
  })
  metrics.add({
    name: 'process_start_time_seconds',
    help: 'When this process began, in seconds since 1970.',
    type: 'gauge',
    read: () => [{ value: startedAt }],
  })
  metrics.add({
    name: 'nodejs_heap_used_bytes',
    help: 'Memory that objects of JavaScript take.',
    type: 'gauge',
    read: () => [{ value: process.memoryUsage().heapUsed }],
  })
}
