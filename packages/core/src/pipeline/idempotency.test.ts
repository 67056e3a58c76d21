import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseKeyRing } from '../keys/key-ring.ts'
import { keyRingSecrets } from '../keys/key-ring-secrets.ts'
import { idempotencyKeyOf } from './idempotency.ts'

const [first, second] = ['k1', 'k2'].map((kid) => `${kid}:${randomBytes(32).toString('base64')}`)
const keyWith = (ring: string, digest: string) =>
  idempotencyKeyOf({ secrets: keyRingSecrets(parseKeyRing(ring)) }, { 'idempotency-key': 'a' }, () => digest)!

test('a request is known again after the key ring went on, and no other is', () => {
  const kept = keyWith(first!, 'request').fingerprint
  const later = `${second},${first}`
  expect(keyWith(later, 'request').matches(kept)).toBe(true)
  expect(keyWith(later, 'another').matches(kept)).toBe(false)
  expect(keyWith(second!, 'request').matches(kept)).toBe(false)
})
