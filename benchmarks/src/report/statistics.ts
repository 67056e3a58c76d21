export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** @throws for no values: a median of nothing would be printed as if it were one */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [least] = sorted
  const most = sorted.at(-1)
  if (least === undefined || most === undefined) throw new Error('no values to take the median of')
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, least, most }
}
