import type { LibraryValue } from '@plinth/core'
import type { Driver, RawRow } from '../drivers/driver.ts'
import { arrayLiteral } from '../statements/quote.ts'

/** One text of a library that brings its own SQL. Never prepared: such texts have values in them and are without number. */
export function runLibrary(
  driver: Driver,
  text: string,
  parameters: readonly LibraryValue[],
): Promise<readonly RawRow[]> {
  return driver.query(
    text,
    parameters.map((value) => (Array.isArray(value) ? arrayLiteral(value) : (value as Exclude<LibraryValue, object>))),
  )
}
