import { defineResource } from '@plinth/core'
import { agentTemplates, environmentTemplates, monitorTemplates } from '../schema.ts'

export const monitorTemplateResource = () =>
  defineResource({
    table: monitorTemplates,
    description: "How pages are checked: the agency's defaults, and below them what a client wants otherwise",
    fields: {
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      notes: { schema: (notes) => notes.max(10_000) },
    },
  })

export const environmentTemplateResource = () =>
  defineResource({
    table: environmentTemplates,
    description: 'How environments are set up',
    fields: { name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true } },
  })

export const agentTemplateResource = () =>
  defineResource({
    table: agentTemplates,
    description: 'What agents of one kind take on',
    fields: { name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true } },
  })
