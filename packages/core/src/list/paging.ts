import { z } from 'zod'
import { problem, type InputFault } from '../errors/plinth-error.ts'
import type { QueryParameter } from '../routes/route.ts'
import { readQuery } from './query-text.ts'

export interface Page {
  readonly page: number
  readonly pageSize: number
  readonly offset: number
  /** Parameters beside those of the page, by name. */
  readonly others: ReadonlyMap<string, string>
}

const MOST = 100
const USUAL = 20
const DEEPEST = 5_000

/** The query parameters of a hand-written list. */
export const pageParameters: readonly QueryParameter[] = [
  { name: 'page', description: 'Number of the page, from 1', schema: z.int().min(1).max(DEEPEST) },
  { name: 'pageSize', description: `Rows a page (${USUAL} unless told)`, schema: z.int().min(1).max(MOST) },
]

/**
 * Which page a hand-written list is asked for. As in every list, what is out of range or unknown is refused and not mended.
 * @param allowed names of other parameters
 * @throws invalid_query
 */
export function readPage(search: string, allowed: readonly string[] = []): Page {
  const parameters = readQuery(search)
  const faults: InputFault[] = []
  const whole = (name: string, usual: number, most: number): number => {
    const text = parameters.get(name)
    if (text === undefined) return usual
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (value < 1 || value > most)
      faults.push({ path: `?${name}`, code: 'out_of_range', message: `Expected a whole number from 1 to ${most}` })
    return value
  }
  const [page, pageSize] = [whole('page', 1, DEEPEST), whole('pageSize', USUAL, MOST)]
  const others = new Map([...parameters].filter(([name]) => name !== 'page' && name !== 'pageSize'))
  for (const name of others.keys()) {
    if (allowed.includes(name)) continue
    const message = `Allowed: ${['page', 'pageSize', ...allowed].join(', ')}`
    faults.push({ path: `?${name.slice(0, 64)}`, code: 'unknown_parameter', message })
  }
  if (faults.length > 0) throw problem('invalid_query', { errors: faults })
  return { page, pageSize, offset: (page - 1) * pageSize, others }
}

/**
 * `{ data, page }` as of every list.
 * @param rows one more than the page holds, where there is a next one
 */
export function printPage({ page, pageSize }: Page, rows: readonly object[]): string {
  const hasMore = rows.length > pageSize
  return JSON.stringify({ data: rows.slice(0, pageSize), page: { page, pageSize, hasMore, nextCursor: null } })
}

/** Schema of such an answer. */
export function pageOf(row: z.ZodType): z.ZodType {
  const page = z.object({ page: z.int(), pageSize: z.int(), hasMore: z.boolean(), nextCursor: z.null() })
  return z.object({ data: z.array(row), page })
}
