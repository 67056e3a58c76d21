import { z } from 'zod'

/**
 * What agents and environments can be told to do: to look at their pages, in words that stand on the timeline. `recheck` looks at those
 * alone that were down.
 */
export const taskSchema = z.string().trim().min(1).max(80)
export type Task = z.output<typeof taskSchema>

/** Which pages a task is about: those of a site, of an environment, or all that whoever does it may see. */
export interface TaskPlace {
  readonly siteId?: string | undefined
  readonly environmentId?: string | undefined
}

/** What a task came to. */
export const taskResult = z.object({ checked: z.int(), down: z.int() })
export type TaskResult = z.output<typeof taskResult>
