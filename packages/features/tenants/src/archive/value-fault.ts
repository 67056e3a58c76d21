/**
 * What PostgreSQL takes and no request could have written: it has no form in JSON, and a list that came upon it would be an error
 * for everybody in the tenant.
 * @returns what is wrong with it, in words
 */
export function faultOf(type: string, value: string | null): string | undefined {
  if (value === null) return undefined
  if (/^(numeric|double precision|real)(?![a-z]|.*\[\])/.test(type) && !/^-?[0-9.]+(e[+-]?[0-9]+)?$/i.test(value))
    return 'is no number'
  if (/^(timestamp|date)(?![a-z]|.*\[\])/.test(type) && !/^[0-9]{4}-[^B]*$/.test(value))
    return 'is no time that can be shown'
  return undefined
}
