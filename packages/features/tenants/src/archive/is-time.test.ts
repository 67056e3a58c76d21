import { expect, test } from 'vitest'
import { isTime } from './format.ts'

test.each([
  ['2024-02-03 04:05:06.789012+00', true],
  ['2024-02-29T23:59:59Z', true],
  ['2026-11-28 15:00:00-05:30', true],
  ['2023-02-29 00:00:00+00', false],
  ['2026-13-01 00:00:00+00', false],
  ['2026-04-31 00:00:00+00', false],
  ['2026-00-10 00:00:00+00', false],
  ['0000-01-01 00:00:00+00', false],
  ['2026-01-01 24:00:00+00', false],
  ['2026-01-01 00:60:00+00', false],
  ['2026-01-01 00:00:00+16', false],
  ['2026-01-01 00:00:00', false],
  ['2026-01-01', false],
  ['infinity', false],
  ['2026-01-01 00:00:00+00 BC', false],
])('%s: %s', (written, there) => {
  expect(isTime(written)).toBe(there)
})
