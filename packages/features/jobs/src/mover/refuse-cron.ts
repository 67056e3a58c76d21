const names = [
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@weekdays',
  '@weekends',
  '@daily',
  '@hourly',
  '@minutely',
]
/** How many there are of each: a longer step is no step. */
const sizes = [60, 24, 31, 12, 7]

/**
 * What is wrong with an expression that its reader would take: it fills up fields that are not there (`'5'` is every minute of a Friday, `''`
 * every minute), and draws for `H` another minute each time that it is asked.
 */
export function refusedCron(cron: string): string | undefined {
  if (cron.startsWith('@')) return names.includes(cron) ? undefined : `use one of ${names.join(', ')}`
  const fields = cron.trim() === '' ? [] : cron.trim().split(/\s+/)
  if (fields.length === 6) return 'six fields: jobs are made by the minute, leave the seconds out'
  if (fields.length !== 5) return `${fields.length} fields instead of five`
  if (/(?:^|[\s,])H/.test(cron)) return 'H is drawn by chance anew each time'
  const long = fields.findIndex((field, at) =>
    (/\/\d+/g.exec(field) ?? []).some((step) => Number(step.slice(1)) >= sizes[at]!),
  )
  return long < 0 ? undefined : `'${fields[long]}' steps beyond what there is`
}
