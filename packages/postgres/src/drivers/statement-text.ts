import { DriverError } from '../errors/driver-error.ts'

/*
 * These find mistakes, not attacks: statements come from our own code, and who can write SQL can write it otherwise.
 */

/**
 * A pooled connection that came back inside a transaction would take the next requests' writes into it and never commit
 * them. Comments may stand in front; there is one way only to read them, so that the pattern cannot backtrack for long.
 */
const transactionControl =
  /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i

/** The embedded database has one session, whose login is a superuser: this would give it to all who come after. */
const identityChange = /session[\s_]+authorization/i

/** The error for a text that `query` must not run, or nothing. */
export function refusedStatement(text: string): DriverError | undefined {
  if (!transactionControl.test(text)) return undefined
  const words = `A transaction is opened with driver.transaction(), not by a statement: ${text.trim().slice(0, 40)}`
  return new DriverError('transaction_control', words)
}

/** The error for a text that the embedded session must not run on behalf of app or system, or nothing. */
export function refusedIdentityChange(text: string): DriverError | undefined {
  if (!identityChange.test(text)) return undefined
  return new DriverError(
    'identity_change',
    'The identity of a driver is fixed: ask drivers.system() or drivers.owner() for theirs',
  )
}

/** Of the client; the protocol's count has 16 bits. */
const MOST_PARAMETERS = 65_533

/** The client finds that out when the statement is put together, and rejects what is running then instead of this one. */
export function tooMany(parameters: readonly unknown[]): RangeError | undefined {
  if (parameters.length <= MOST_PARAMETERS) return undefined
  return new RangeError(`A statement has ${MOST_PARAMETERS} parameters at most, not ${parameters.length}`)
}
