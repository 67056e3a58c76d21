import type { LibraryValue } from '@plinth/core'
import { arrayLiteral } from '../statements/quote.ts'
import type { Printed } from '../statements/statement.ts'

/**
 * One text of a library that brings its own SQL. Such texts may have values in them and be without number, so that only those that come
 * again are prepared: reading and planning the three of pg-boss anew took 200 of a job's 1,200 µs.
 */
export function printLibrary(text: string, parameters: readonly LibraryValue[], plan: 'kept' | 'anew'): Printed {
  const values = parameters.map((value) =>
    Array.isArray(value) ? arrayLiteral(value) : (value as Exclude<LibraryValue, object>),
  )
  return { text, parameters: values, shape: plan === 'kept' ? 'varied' : 'once' }
}
