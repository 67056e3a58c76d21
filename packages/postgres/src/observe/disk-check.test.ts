import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { diskCheck } from './disk-check.ts'

const signal = AbortSignal.timeout(5_000)

test('is unwell before the disk is full', async () => {
  await expect(diskCheck('/data', () => Promise.resolve(67_108_863)).check(signal)).rejects.toThrow('63 MB are left')
  await diskCheck('/data', () => Promise.resolve(67_108_864)).check(signal)
})

test('looks at the disk of the folder; a folder that is not there is no good sign', async () => {
  await diskCheck(tmpdir()).check(signal)
  await expect(diskCheck('/there/is/none').check(signal)).rejects.toThrow('ENOENT')
})
