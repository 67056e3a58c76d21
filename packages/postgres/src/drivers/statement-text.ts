import { DriverError } from '../errors/driver-error.ts'

/*
 * A pooled connection that came back inside a transaction would take the next requests' writes into it and never commit
 * them. This finds the mistake, not an attack: statements come from our own code.
 */
const transactionControl =
  /^\s*(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i

/** The error for a text that `query` must not run, or nothing. */
export function refusedStatement(text: string): DriverError | undefined {
  if (!transactionControl.test(text)) return undefined
  return new DriverError(
    'transaction_control',
    `A transaction is opened with driver.transaction(), not by a statement: ${text.trim().slice(0, 40)}`,
  )
}
