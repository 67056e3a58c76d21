import type { FixedStatement } from '@plinth/core'
import { arrayLiteral } from '../statements/quote.ts'
import type { Printed } from '../statements/statement.ts'

/** A statement of a feature as the drivers take it. */
export function printFixed({ text, parameters }: FixedStatement): Printed {
  return {
    text,
    parameters: parameters.map((value) => (Array.isArray(value) ? arrayLiteral(value) : (value as string | null))),
    shape: 'fixed',
  }
}
