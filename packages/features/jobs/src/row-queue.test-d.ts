import { resourceTable } from '@plinth/core'
import { text } from 'drizzle-orm/pg-core'
import { expectTypeOf, test } from 'vitest'
import { queueStatuses, rowQueue, type RowQueue } from './row-queue.ts'

const agents = resourceTable('agents', { status: text({ enum: queueStatuses }).notNull().default('idle') })
const idle = resourceTable('idle', { name: text().notNull() })
const loose = resourceTable('loose', { status: text().notNull() })

test('a queue is of rows whose status is one of a queue', () => {
  expectTypeOf(rowQueue(agents, 'agent')).toEqualTypeOf<RowQueue>()
  // @ts-expect-error: there is no status
  rowQueue(idle, 'idle')
  // @ts-expect-error: its status may be anything
  rowQueue(loose, 'loose')
})
