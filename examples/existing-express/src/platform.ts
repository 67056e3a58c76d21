import { createPlinth, serviceTokens, type Plinth, type PlinthOptions } from '@plinth/core'
import { bike, repair } from './schema.ts'

export interface Tokens {
  /** May do everything in its workshop. */
  readonly counter: string
  /** May look at bikes, and at no repair. */
  readonly visitor: string
}

/** The part that is Plinth's: below `/api/v1`. `/`, `/health` and the 404 are the server's own, hence `root: false`. */
export function createPlatform(database: PlinthOptions['database'], tokens: Tokens): Plinth {
  return createPlinth({
    title: 'Workshop',
    root: false,
    database,
    resources: [bike, repair],
    features: [
      serviceTokens([
        { name: 'counter', tenant: 'spokes', token: tokens.counter, permissions: ['*'] },
        { name: 'visitor', tenant: 'spokes', token: tokens.visitor, permissions: ['bike:read'] },
      ]),
    ],
    env: { ENVIRONMENT: 'development', ...process.env },
  })
}
