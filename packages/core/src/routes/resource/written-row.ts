import { fieldView, markShown } from '../../fields/field-view.ts'
import { rowPrinter, type RowPrinter } from '../../output/print-row.ts'
import { jsonAnswer, type TextAnswer } from '../../pipeline/answer.ts'
import type { Call } from '../../pipeline/call.ts'
import type { RawRow, Session } from '../../ports/database.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'

/** Rows that a write of this request gave back, which are whole, as far as its principal is shown them. */
export async function shownRows(
  call: Pick<Call, 'platform' | 'request' | 'scope'>,
  session: Session,
  resource: ResourceInfo,
  rows: readonly RawRow[],
): Promise<{ readonly printer: RowPrinter; readonly rows: readonly RawRow[] }> {
  const view = fieldView(call.platform.registry, call.request.principal, resource)
  return { printer: rowPrinter(resource, view), rows: await markShown(session, view, resource, rows, call.scope.facts) }
}

/** The answer of a write: its row with its tag. */
export async function rowAnswer(
  call: Pick<Call, 'platform' | 'request' | 'scope'>,
  session: Session,
  resource: ResourceInfo,
  row: RawRow,
  { status = 200, ...headers }: { readonly status?: number; readonly location?: string } = {},
): Promise<TextAnswer> {
  const { printer, rows } = await shownRows(call, session, resource, [row])
  return jsonAnswer(status, printer.print(rows[0]!), { etag: printer.etag(rows[0]!), ...headers })
}
