import type { Parameter, RawRow } from '../drivers/driver.ts'

/** Runs one of the few fixed texts by which something is looked up before a tenant is set. */
export type Ask = (text: string, parameters: readonly Parameter[]) => Promise<readonly RawRow[]>
