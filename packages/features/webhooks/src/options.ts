import { readDuration, type StartupFault } from '@plinth/core'

export interface WebhooksOptions {
  /** Requests that one process has under way at once. One tenant has a quarter of them at most, those that fail half. Default 40. */
  readonly concurrency?: number
  /** Of them, to one webhook; to one that fails, one. Default 5. */
  readonly perWebhook?: number
  /** How long a receiver may take to answer. Default `15s`. */
  readonly timeout?: string
  /** How many webhooks a tenant may have. Default 50. */
  readonly mostOfTenant?: number
  /** How many deliveries may wait for one webhook; one for which more do is switched off. Default 100,000. */
  readonly mostWaiting?: number
  /** How long deliveries are kept, whatever became of them; at least the four days for which they are tried. Default `30d`. */
  readonly keep?: string
  /** Milliseconds between two looks when there is nothing to send. Default 250. */
  readonly pollMs?: number
}

/** The same, settled. Times in milliseconds. */
export interface WebhooksSettings {
  readonly concurrency: number
  readonly perWebhook: number
  readonly timeoutMs: number
  readonly mostOfTenant: number
  readonly mostWaiting: number
  readonly keepMs: number
  readonly pollMs: number
}

/** Settles the defaults; what is wrong is pushed to `faults`. */
export function settle(options: WebhooksOptions, faults: StartupFault[]): WebhooksSettings {
  const count = (
    name: 'concurrency' | 'perWebhook' | 'mostOfTenant' | 'mostWaiting' | 'pollMs',
    usual: number,
  ): number => {
    const given = options[name] ?? usual
    if (!Number.isInteger(given) || given < 1)
      faults.push({ path: `webhooks.${name}`, problem: `${given} is no count`, fix: `${name}: ${usual}` })
    return given
  }
  const time = (name: 'timeout' | 'keep', usual: string, [least, most]: readonly [number, number]): number => {
    const seconds = readDuration(options[name] ?? usual)
    if (seconds === undefined || seconds < least || seconds > most)
      faults.push({
        path: `webhooks.${name}`,
        problem: `'${options[name]}' is no length of time, too short or too long`,
        fix: `${name}: '${usual}'`,
      })
    return (seconds ?? 1) * 1_000
  }
  return {
    concurrency: count('concurrency', 40),
    perWebhook: count('perWebhook', 5),
    timeoutMs: time('timeout', '15s', [1, 120]),
    mostOfTenant: count('mostOfTenant', 50),
    mostWaiting: count('mostWaiting', 100_000),
    keepMs: time('keep', '30d', [4 * 86_400, 400 * 86_400]),
    pollMs: count('pollMs', 250),
  }
}
