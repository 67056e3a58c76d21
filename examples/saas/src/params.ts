import { z } from 'zod'
import { taskSchema } from './tasks/task.ts'

/** Names that a check sets itself, that end or redirect a request, or whose values nobody should read in a list. */
const kept =
  /^(?:host|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive|proxy-.*|cookie|authorization)$/
const MOST_HEADERS = 20

/** Headers that a check sends. Whoever reads the monitor reads them, so no credential belongs here. */
const headers = z
  .record(
    z
      .string()
      .max(60)
      .regex(/^[a-z0-9-]+$/, 'Must be lower case letters, digits and -')
      .refine((name) => !kept.test(name), 'Is not yours to set'),
    z
      .string()
      .max(500)
      .regex(/^[\x20-\x7e]*$/, 'Must be printable ASCII'),
  )
  .refine((all) => Object.keys(all).length <= MOST_HEADERS, `At most ${MOST_HEADERS} headers`)
  .default({})
  .describe('Sent with each check')

/** How a page is checked. */
export const monitorParams = z.object({
  method: z.enum(['GET', 'HEAD']).default('GET'),
  expectedStatus: z.int().min(200).max(599).default(200).describe('Any other status is an outage'),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(25)
    .optional()
    .describe('Without an answer until then it is down; default: LOOKOUT_CHECK_TIMEOUT'),
  intervalSeconds: z.int().min(30).max(86_400).default(300).describe('Between a check and nextCheckAt'),
  headers,
})
export type MonitorParams = z.output<typeof monitorParams>

/** What is particular about one place where a client's site runs. */
export const environmentParams = z.object({
  headers,
  patience: z.int().min(1).max(5).default(1).describe('Times the timeout of its monitors: staging servers are slow'),
})
export type EnvironmentParams = z.output<typeof environmentParams>

/** What an agent takes on. */
export const agentParams = z.object({
  tasks: z.array(taskSchema).max(50).optional().describe('Tasks that it takes; without it, any'),
  queueLimit: z.int().min(1).max(1_000).default(100).describe('Tasks that may be to be done at once'),
})
export type AgentParams = z.output<typeof agentParams>
