import type { Attachment } from '@plinth/core'
import type { TenantGate } from './isolation/tenant-gate.ts'
import type { RunnerParts } from './session/runner.ts'
import type { SessionParts } from './session/scoped-session.ts'
import type { CreatesTogether } from './session/together/creates-together.ts'

/** What exists once the platform is put together. */
export interface Attached {
  readonly attachment: Attachment
  readonly runner: RunnerParts
  readonly session: SessionParts
  readonly together: CreatesTogether | undefined
  /** Where each tenant has a schema. */
  readonly gate: TenantGate | undefined
}
