import { expect, test } from 'vitest'
import { timesAround } from './clock-times.ts'

const HOUR_MS = 3_600_000
const at = (text: string): Date => new Date(text)
/** Where clocks go by an hour, by half of one, at midnight, and not at all. */
const zones = [
  'Europe/Zurich',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Asia/Kolkata',
  'UTC',
]
const dayIn = (zone: string, moment: Date): string => moment.toLocaleDateString('en-CA', { timeZone: zone })

test.each([
  ['2026-02-10', '2026-04-20'],
  ['2026-08-25', '2026-11-10'],
])('from %s to %s a day has its time once, in every zone, whoever asks when', (first, end) => {
  for (const zone of zones)
    for (const cron of ['@daily', '30 2 * * *']) {
      const days: string[] = []
      let [now, next] = [at(`${first}T12:00:00Z`), undefined as Date | undefined]
      while (now < at(`${end}T12:00:00Z`)) {
        const around = timesAround(cron, zone, now)
        expect(around.last <= now && now < around.next, `${zone} ${cron} ${now.toISOString()}`).toBe(true)
        // What was to come is what has been: a process that starts in between makes neither more nor less.
        if (next) expect(around.last, `${zone} ${cron} ${now.toISOString()}`).toEqual(next)
        days.push(dayIn(zone, around.next))
        const between = new Date(around.next.getTime() - HOUR_MS)
        if (between > now) expect(timesAround(cron, zone, between)).toEqual(around)
        ;[now, next] = [around.next, around.next]
      }
      const pauses = days.slice(1).map((day, before) => Date.parse(day) - Date.parse(days[before]!))
      expect(new Set(pauses)).toEqual(new Set([24 * HOUR_MS]))
    }
})

test('what runs every hour does, also when clocks are put', () => {
  for (const zone of zones)
    for (const [cron, pause] of [
      ['0 * * * *', HOUR_MS],
      ['*/15 * * * *', HOUR_MS / 4],
    ] as const)
      for (const day of ['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-09-06'])
        for (let now = at(`${day}T00:10:00Z`).getTime(); now < at(`${day}T23:00:00Z`).getTime(); now += 0.8 * HOUR_MS) {
          const { last, next } = timesAround(cron, zone, new Date(now))
          expect([now - last.getTime() < pause, next.getTime() - now <= pause]).toEqual([true, true])
        }
})

test.each([
  // Clocks go from 2:00 to 3:00, and back from 3:00 to 2:00.
  ['30 2 * * *', 'Europe/Zurich', '2026-03-29T00:59:59Z', '2026-03-28T01:30:00Z', '2026-03-29T01:00:00Z'],
  ['*/10 2 * * *', 'Europe/Zurich', '2026-03-29T01:00:00Z', '2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z'],
  ['30 2 * * *', 'Europe/Zurich', '2026-10-25T01:45:00Z', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  ['0 */2 * * *', 'Europe/Zurich', '2026-10-25T01:00:00Z', '2026-10-25T00:00:00Z', '2026-10-25T03:00:00Z'],
  // From 24:00 of the 5th to 1:00 of the 6th.
  ['@daily', 'America/Santiago', '2026-09-06T04:00:00Z', '2026-09-06T04:00:00Z', '2026-09-07T03:00:00Z'],
  ['0 0 13 * 5', 'UTC', '2026-03-14T00:00:00Z', '2026-03-13T00:00:00Z', '2026-03-20T00:00:00Z'],
  ['0 0 L * *', 'UTC', '2026-03-14T00:00:00Z', '2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z'],
  ['0 8 * * MON#1', 'UTC', '2026-03-14T00:00:00Z', '2026-03-02T08:00:00Z', '2026-04-06T08:00:00Z'],
  ['0 0 29 2 *', 'UTC', '2026-03-14T00:00:00Z', '2024-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['@weekly', 'UTC', '2026-03-14T00:00:00Z', '2026-03-08T00:00:00Z', '2026-03-15T00:00:00Z'],
  ['@weekdays', 'UTC', '2026-03-14T01:00:00Z', '2026-03-13T00:00:00Z', '2026-03-16T00:00:00Z'],
  ['@minutely', 'UTC', '2026-03-14T00:00:30Z', '2026-03-14T00:00:00Z', '2026-03-14T00:01:00Z'],
])('%s in %s around %s', (cron, zone, now, last, next) => {
  expect(timesAround(cron, zone, at(now))).toEqual({ last: at(last), next: at(next) })
})
