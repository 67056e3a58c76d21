import { fieldView, markShown } from '../../fields/field-view.ts'
import { rowPrinter, type RowPrinter } from '../../output/print-row.ts'
import type { Call } from '../../pipeline/call.ts'
import type { ResourceInfo } from '../../resource/resource-info.ts'

/** Prints rows that a write of this request gave back, which are whole, as far as its principal is shown them. */
export function writtenPrinter(call: Pick<Call, 'platform' | 'request' | 'scope'>, resource: ResourceInfo): RowPrinter {
  const view = fieldView(call.platform.registry, call.request.principal, resource)
  const printer = rowPrinter(resource, view)
  if (view.perRow.size === 0) return printer
  const { facts } = call.scope
  return {
    fields: printer.fields,
    print: (row) => printer.print(markShown(view, resource, row, facts)),
    etag: (row) => printer.etag(markShown(view, resource, row, facts)),
  }
}
