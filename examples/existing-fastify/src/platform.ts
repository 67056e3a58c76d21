import { createPlinth, serviceTokens, type Plinth, type PlinthOptions } from '@plinth/core'
import { loan, tool } from './schema.ts'

export interface Tokens {
  /** May do everything in its library. */
  readonly desk: string
  /** May look at tools, and at no loan. */
  readonly visitor: string
}

/** The part that is Plinth's: everything below `/lending`, and nothing beside it. */
export function createPlatform(database: PlinthOptions['database'], tokens: Tokens): Plinth {
  return createPlinth({
    title: 'Tool library',
    basePath: '/lending',
    root: false,
    database,
    resources: [tool, loan],
    features: [
      serviceTokens([
        { name: 'desk', tenant: 'oak-street', token: tokens.desk, permissions: ['*'] },
        { name: 'visitor', tenant: 'oak-street', token: tokens.visitor, permissions: ['tool:read'] },
      ]),
    ],
    env: { ENVIRONMENT: 'development', ...process.env },
  })
}
