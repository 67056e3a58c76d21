import { expect, test } from 'vitest'
import { Metrics } from './metrics.ts'
import { MOST_SERIES } from './series.ts'

test('prints counters, gauges and histograms', async () => {
  const metrics = new Metrics()
  const calls = metrics.counter({ name: 'calls_total', help: 'Calls.', labels: ['kind'] })
  calls.add({ kind: 'a' })
  calls.add({ kind: 'a' }, 2)
  metrics.gauge({ name: 'depth', help: 'Depth.' }).set({}, -1.5)
  const took = metrics.histogram({ name: 'took_seconds', help: 'Took.' }, [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) took.observe({}, value)
  expect(await metrics.print()).toBe(
    [
      '# HELP plinth_metric_failures_total Times that the numbers of a metric could not be read.',
      '# TYPE plinth_metric_failures_total counter',
      '# HELP calls_total Calls.',
      '# TYPE calls_total counter',
      'calls_total{kind="a"} 3',
      '# HELP depth Depth.',
      '# TYPE depth gauge',
      'depth -1.5',
      '# HELP took_seconds Took.',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{le="0.1"} 2',
      'took_seconds_bucket{le="1"} 3',
      'took_seconds_bucket{le="+Inf"} 4',
      'took_seconds_sum 7.65',
      'took_seconds_count 4',
      '',
    ].join('\n'),
  )
})

test.each([
  ['calls', 'ends in _total'],
  ['Calls_total', 'is no name'],
  ['calls__total', 'is no name'],
])('%s is no name of a counter', (name, words) => {
  expect(() => new Metrics().counter({ name, help: '' })).toThrow(words)
})

test.each(['tenant', 'tenant_slug', 'user', 'user_id', 'principal', 'email', 'ip', 'id', 'le', 'address'])(
  'no label may be called %s: metrics tell of nobody',
  (label) => {
    expect(() => new Metrics().counter({ name: 'calls_total', help: '', labels: [label] })).toThrow(label)
    expect(() =>
      new Metrics().add({ name: 'depth', help: '', type: 'gauge', labels: [label], read: () => [] }),
    ).toThrow(label)
  },
)

test('a name stands for one metric', () => {
  const metrics = new Metrics()
  metrics.gauge({ name: 'depth', help: '' })
  expect(() => metrics.add({ name: 'depth', help: '', type: 'gauge', read: () => [] })).toThrow('is there already')
})

test('a label of too many values fills one series and no memory', async () => {
  const metrics = new Metrics()
  const calls = metrics.counter({ name: 'calls_total', help: '', labels: ['kind'] })
  for (let at = 0; at < MOST_SERIES + 500; at += 1) calls.add({ kind: `k${at}` })
  const lines = (await metrics.print()).split('\n').filter((line) => line.startsWith('calls_total{'))
  expect(lines).toHaveLength(MOST_SERIES + 1)
  expect(lines.at(-1)).toBe('calls_total{kind="other"} 500')
})

test('those who ask at the same moment share one reading', async () => {
  const metrics = new Metrics()
  let reads = 0
  metrics.add({
    name: 'depth',
    help: '',
    type: 'gauge',
    read: () => {
      reads += 1
      return [{ value: reads }]
    },
  })
  await Promise.all(Array.from({ length: 20 }, () => metrics.print()))
  expect(reads).toBe(1)
})
