import type { Platform, PrincipalKind } from '@plinth/core'

/** In whose name a job runs. */
export interface Asker {
  readonly principalKind: PrincipalKind
  readonly principalId: string
  readonly userId: string | null
  readonly secondFactor: boolean
}

export interface SealedJob extends Asker {
  readonly tenantId: string
  readonly id: string
  readonly type: string
}

const PURPOSE = 'plinth job'

/**
 * Signs in whose name a job runs. Whoever has brought SQL of his own into a statement of the runtime login may insert rows, and set the
 * settings that policies read; the key ring he has not.
 */
export function sealJob({ secrets }: Pick<Platform, 'secrets'>, job: SealedJob): string {
  return secrets.sign(PURPOSE, textOf(job))
}

/** An empty seal is one that only the owner of the tables and `plinth_system` may write: of jobs by the clock, and of earlier versions. */
export function isGenuine({ secrets }: Pick<Platform, 'secrets'>, job: SealedJob, seal: string): boolean {
  return seal === '' || secrets.verify(PURPOSE, textOf(job), seal)
}

function textOf({ tenantId, id, type, principalKind, principalId, userId, secondFactor }: SealedJob): string {
  return JSON.stringify([tenantId, id, type, principalKind, principalId, userId, secondFactor])
}
