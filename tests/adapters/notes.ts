import { text } from 'drizzle-orm/pg-core'
import { resourceTable } from '@plinth/core'

export const notesTable = resourceTable('notes', { text: text().notNull() })
