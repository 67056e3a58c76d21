import { statfs } from 'node:fs/promises'
import type { HealthCheck } from '@plinth/core'

/** Below it a checkpoint may fail, which ends the embedded server. */
const LEAST_BYTES = 67_108_864

/** Whether there is room in the folder of the embedded database: on a full disk it stops at the next write. */
export function diskCheck(dataDir: string, free: (folder: string) => Promise<number> = freeBytes): HealthCheck {
  return {
    name: 'disk',
    freshMs: 10_000,
    async check() {
      const bytes = await free(dataDir)
      if (bytes < LEAST_BYTES) throw new Error(`${Math.floor(bytes / 1_048_576)} MB are left on the disk of ${dataDir}`)
    },
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
