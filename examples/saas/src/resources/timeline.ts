import { defineResource } from '@plinth/core'
import { timelineEntries } from '../schema.ts'

/** Written by handlers of events; read by people. */
export const timelineResource = () =>
  defineResource({
    table: timelineEntries,
    path: 'timeline',
    description: 'What became of what an agent was told',
    operations: { create: false, update: false, delete: false, bulk: false },
    fields: {
      agentId: { readOnly: true, filter: true },
      outcome: { readOnly: true, filter: true },
      text: { readOnly: true },
      jobId: { readOnly: true, filter: true, description: 'The job: /jobs/:id' },
    },
  })
