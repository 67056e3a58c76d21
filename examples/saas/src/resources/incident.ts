import { defineResource } from '@plinth/core'
import { incidents } from '../schema.ts'

/** Opened and resolved by checks; read by people. */
export const incidentResource = () =>
  defineResource({
    table: incidents,
    description: 'That a page was down, from the check that found it to the one that found it up again',
    operations: { create: false, update: false },
    fields: {
      monitorId: { readOnly: true, filter: true },
      status: { readOnly: true, filter: true, sort: true },
      reason: { readOnly: true, description: 'What the check found' },
      openedAt: { readOnly: true, filter: true, sort: true },
      resolvedAt: { readOnly: true, sort: true },
    },
  })
