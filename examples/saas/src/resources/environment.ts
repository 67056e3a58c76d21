import { defineResource } from '@plinth/core'
import { z } from 'zod'
import { siteUrl } from '../check/site-url.ts'
import type { LookoutJobs } from '../jobs.ts'
import { environmentParams } from '../params.ts'
import { environments } from '../schema.ts'
import { environmentQueue, queueStateSchema } from '../tasks/queues.ts'
import { taskSchema } from '../tasks/task.ts'

/** How many tasks of one environment may be to be done. */
const MOST = 20

/** @param options.allowPrivate LOOKOUT_ALLOW_PRIVATE */
export const environmentResource = (
  options: { readonly allowPrivate: boolean },
  { environmentTask }: Pick<LookoutJobs, 'environmentTask'>,
) =>
  defineResource({
    table: environments,
    description: 'Where a site runs besides the address that its visitors know',
    fields: {
      siteId: { filter: true },
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      stage: { filter: true, sort: true },
      url: { schema: siteUrl(options.allowPrivate), description: 'Where it begins: https://staging.client.example' },
      status: { readOnly: true, filter: true, sort: true },
    },
    template: { params: environmentParams },
    actions: {
      command: {
        description: 'Have something done with its pages, by whoever asks',
        input: z.object({ task: taskSchema }),
        output: queueStateSchema,
        run: (ctx, { id: environmentId }, { task }) =>
          environmentQueue.put(ctx, environmentId, environmentTask, { environmentId, task }, { most: MOST }),
      },
      status: {
        description: 'What it is at, and how much is to be done',
        readOnly: true,
        output: queueStateSchema,
        run: (ctx, { id }) => environmentQueue.look(ctx, id),
      },
    },
  })
