import { CronExpressionParser } from 'cron-parser'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** The last time at or before a moment, and the first after it. */
export interface Around {
  readonly last: Date
  readonly next: Date
}

/**
 * When an expression says that it is time, by the clocks of a zone. Of its reader only times of UTC are asked: where clocks are put forward
 * at midnight it finds none (`@daily` in America/Santiago threw, and the mover with it), and backwards it finds other times than forwards.
 *
 * A time that clocks leave out is the moment at which they are put forward; of one that they show twice it is the first. What runs every
 * hour goes by minutes, and runs through.
 */
export function timesAround(cron: string, zone: string, now: Date): Around {
  const at = now.getTime()
  const everyHour = CronExpressionParser.parse(cron, { tz: 'UTC' }).fields.hour.values.length === 24
  const offset = offsetAt(zone, at)
  const momentOf = (wall: number): number => (everyHour ? wall - offset : firstMomentOf(wall, zone))
  // As late as a clock of that day may show it to be: what is to be found lies before.
  const latest = everyHour ? at + offset : at + Math.max(...[-DAY_MS, 0, DAY_MS].map((by) => offsetAt(zone, at + by)))
  const before = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(latest + 1) })
  let wall: number
  do wall = before.prev().getTime()
  while (momentOf(wall) > at)
  const after = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(wall) })
  let next: number
  do next = momentOf(after.next().getTime())
  while (next <= at)
  return { last: new Date(momentOf(wall)), next: new Date(next) }
}

/** What a clock shows, as milliseconds of UTC, as a moment. Never earlier for a later time. */
function firstMomentOf(wall: number, zone: string): number {
  const [before, behind] = [offsetAt(zone, wall - DAY_MS), offsetAt(zone, wall + DAY_MS)]
  if (offsetAt(zone, wall - before) === before) return wall - before
  if (offsetAt(zone, wall - behind) === behind) return wall - behind
  // Left out: between the two the clocks are put forward.
  let [early, late] = [wall - behind, wall - before]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (offsetAt(zone, middle) === before) early = middle
    else late = middle
  }
  return late
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** By how many milliseconds the clocks of a zone are ahead of UTC. */
function offsetAt(zone: string, moment: number): number {
  let clock = clocks.get(zone)
  if (!clock) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    clock = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', second: 'numeric', ...numeric })
    clocks.set(zone, clock)
  }
  const shown = new Map(clock.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes): number => shown.get(name) ?? 0
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return Math.round((wall - moment) / MINUTE_MS) * MINUTE_MS
}
