const DAY = 86_400_000

/** @param days fewer than none: before it */
export function daysAfter(time: Date, days: number): Date {
  return new Date(time.getTime() + days * DAY)
}
