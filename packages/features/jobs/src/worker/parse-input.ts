import type { Job } from '@plinth/core'
import { Hopeless } from './settle.ts'

/** By the schema of this release. @throws Hopeless: the same input will be the same tomorrow */
export function parseInput(definition: Job, payload: string): unknown {
  const parsed = definition.input.safeParse(JSON.parse(payload))
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.slice(0, 3).map(({ path, message }) => `/${path.map(String).join('/')}: ${message}`)
  throw new Hopeless(`Its input is not what the job takes: ${where.join('; ')}`)
}
