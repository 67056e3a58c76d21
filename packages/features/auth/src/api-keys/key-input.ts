import { problem, rateFault, validate, type InputFault, type Rate } from '@plinth/core'
import { z } from 'zod'
import { readIpRanges } from './ip-ranges.ts'

/** Strict: a misspelt limit that was dropped in silence would be a key without one. */
export const newKeySchema = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    role: z.string().min(1).max(100).describe('What it may do; nothing that you may not do yourself'),
    expiresAt: z.iso.datetime().nullish(),
    ipRanges: z.array(z.string()).default([]).describe('Addresses and ranges it may be used from; none: anywhere'),
    rateLimit: z
      .object({ requests: z.int(), seconds: z.int() })
      .nullish()
      .describe('How often it may be used, beside the limits of everybody'),
  })
  .meta({ id: 'NewApiKey' })

/** The same for a service, which has roles of its own. */
export const newServiceKeySchema = newKeySchema.omit({ role: true }).meta({ id: 'NewServiceKey' })

export const newKeyExample = { name: 'Nightly export', role: 'read_only', ipRanges: ['203.0.113.0/24'] }

export interface KeyDraft {
  readonly name: string
  readonly role: string
  readonly expiresAt: Date | null
  readonly ipRanges: readonly string[]
  readonly rate: Rate | null
}

/** @throws validation_failed with all that is wrong with it */
export function readKeyDraft(body: unknown, now: Date): KeyDraft {
  const { role, ...rest } = validate(newKeySchema, body)
  return { ...settle(rest, now), role }
}

/** @throws validation_failed with all that is wrong with it */
export function readServiceKeyDraft(body: unknown, now: Date): Omit<KeyDraft, 'role'> {
  return settle(validate(newServiceKeySchema, body), now)
}

function settle(
  { name, expiresAt, ipRanges, rateLimit }: z.output<typeof newServiceKeySchema>,
  now: Date,
): Omit<KeyDraft, 'role'> {
  const errors: InputFault[] = []
  const expiry = expiresAt == null ? null : new Date(expiresAt)
  if (expiry && expiry <= now) errors.push({ path: '/expiresAt', code: 'past', message: 'Is over already' })
  const { ranges, faults } = readIpRanges(ipRanges)
  for (const { index, message } of faults) errors.push({ path: `/ipRanges/${index}`, code: 'ip_range', message })
  const rate = rateLimit == null ? null : { capacity: rateLimit.requests, windowSeconds: rateLimit.seconds }
  const wrong = rate && rateFault(rate)
  if (wrong !== null && wrong !== undefined) errors.push({ path: '/rateLimit', code: 'rate', message: wrong })
  if (errors.length > 0) throw problem('validation_failed', { errors })
  return { name, expiresAt: expiry, ipRanges: ranges, rate }
}
