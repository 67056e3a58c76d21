import type { Resilience } from '@plinth/core'
import type { CheckOptions } from './perform-check.ts'

/** How pages are looked at: what the settings say, and the way by which checks leave this process. */
export interface PageOptions extends Pick<CheckOptions, 'allowPrivate' | 'timeout'> {
  readonly way: Resilience
}
