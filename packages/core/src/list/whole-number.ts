import { problem } from '../errors/plinth-error.ts'

/**
 * A parameter that is a whole number, as text: `readQuery(search).get('wait')`.
 * @param usual where it is not given
 * @throws invalid_query
 */
export function wholeNumber(
  name: string,
  text: string | undefined,
  { most, usual = 0 }: { readonly most: number; readonly usual?: number },
): number {
  if (text === undefined) return usual
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1
  if (value >= 0 && value <= most) return value
  const message = `Expected a whole number from 0 to ${most}`
  throw problem('invalid_query', { errors: [{ path: `?${name}`, code: 'out_of_range', message }] })
}
