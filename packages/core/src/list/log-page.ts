import { z } from 'zod'
import { problem } from '../errors/plinth-error.ts'
import { MOST_CHARACTERS, refuseTooLarge } from '../output/page-size.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { QueryParameter } from '../routes/route.ts'
import { pageParameters, readPage } from './paging.ts'
import type { QueryFilter } from './query-filter.ts'

/** A page of what is numbered and only ever added to, the newest first. */
export interface LogPage<F> {
  readonly filter: F
  /** Numbers below this one; undefined for the first of all. */
  readonly before: string | undefined
  /** Rows to leave out. */
  readonly offset: number
  /** Rows to read: one more than are shown, which tells whether there are others. */
  readonly limit: number
  /** The rows that are shown, of those that were read. */
  shown<R>(rows: readonly R[]): readonly R[]
  /**
   * `{ data, page }` as of every list.
   * @param read how many rows were read
   * @param last number of the last one that is shown
   * @throws page_too_large
   */
  print(data: readonly object[], read: number, last: string | number | undefined): string
}

/** The query parameters of such a list, beside those of its filter. */
export const logParameters: readonly QueryParameter[] = [
  ...pageParameters,
  { name: 'cursor', description: 'nextCursor of the page before, with the same filter', schema: z.string() },
]

export interface LogPageFacts<F> {
  readonly search: string
  readonly filter: QueryFilter<F>
  readonly secrets: Secrets
  readonly tenantId: string
  /** Which list it is: cursors of others are refused. */
  readonly purpose: string
}

/** @throws invalid_query, and invalid_cursor for one of another list, tenant or filter */
export function readLogPage<F>({ search, filter, secrets, tenantId, purpose }: LogPageFacts<F>): LogPage<F> {
  const { page, pageSize, offset, others } = readPage(search, [...filter.names, 'cursor'])
  const asked = filter.read(others)
  const cursor = others.get('cursor')
  const bound = (seq: string): string => `${tenantId}\n${filter.text(asked)}\n${seq}`
  const before =
    cursor === undefined ? undefined : opened(cursor, (seq, mark) => secrets.verify(purpose, bound(seq), mark))
  if (cursor !== undefined && page !== 1) {
    const message = 'A cursor says where the page begins'
    throw problem('invalid_query', { errors: [{ path: '?page', code: 'conflict', message }] })
  }
  return {
    filter: asked,
    before,
    offset,
    limit: pageSize + 1,
    shown: (rows) => rows.slice(0, pageSize),
    print(data, read, last) {
      const hasMore = read > pageSize
      const nextCursor = hasMore && last !== undefined ? `${last}~${secrets.sign(purpose, bound(String(last)))}` : null
      const shown = { page: cursor === undefined ? page : null, pageSize, hasMore, nextCursor }
      const text = JSON.stringify({ data, page: shown })
      return text.length > MOST_CHARACTERS ? refuseTooLarge() : text
    },
  }
}

function opened(cursor: string, holds: (seq: string, mark: string) => boolean): string {
  const [seq = '', mark = '', ...rest] = cursor.split('~')
  if (rest.length > 0 || !holds(seq, mark)) throw problem('invalid_cursor')
  return seq
}
