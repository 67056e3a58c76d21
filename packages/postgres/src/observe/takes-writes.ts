import { problem } from '@plinth/core'
import { DriverError } from '../errors/driver-error.ts'
import type { Runner } from '../session/runner.ts'

/**
 * A standby answers every question, and is no server that requests should be sent to. In recovery each transaction is read-only, as
 * under `default_transaction_read_only`, so that one setting tells of both. In a transaction of the driver, which leaves its connection
 * after that: the next look asks whoever is behind the address by then.
 * @throws unavailable
 */
export async function refuseReadOnly(runner: Runner): Promise<void> {
  const text = `select current_setting('transaction_read_only') = 'on' as "read_only"`
  const [row] = await runner.run({ text, parameters: [], shape: 'fixed' }, 'read')
  if (row?.['read_only'] !== true) return
  const cause = new DriverError(
    'read_only',
    'PostgreSQL takes no writes here: a standby, or default_transaction_read_only',
  )
  throw problem('unavailable', { headers: { 'retry-after': '2' }, cause })
}
