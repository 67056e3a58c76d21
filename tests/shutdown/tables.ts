import { text } from 'drizzle-orm/pg-core'
import { defineResource, resourceTable } from '@plinth/core'

export const notes = resourceTable('notes', { name: text().notNull() })

export const noteResource = defineResource({
  table: notes,
  actions: {
    /** Takes a while and says so, as a call to another service does. */
    ponder: {
      description: 'Think about it',
      outside: () => new Promise<void>((resolve) => setTimeout(resolve, 1_500)),
      run: (ctx, note) => ctx.update(notes, note.id, { name: 'pondered' }),
    },
  },
})
