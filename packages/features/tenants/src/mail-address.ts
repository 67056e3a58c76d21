import { isMailAddress } from '@plinth/core'
import { z } from 'zod'

/**
 * An address as it is compared: normalised before it is judged (NFKC), for two spellings of one text would be two people. The domain
 * in lower case.
 */
export const mailAddress = z
  .string()
  .max(254)
  .transform((text) => {
    const whole = text.normalize('NFKC').trim()
    const at = whole.lastIndexOf('@')
    return at < 1 ? whole : `${whole.slice(0, at)}@${whole.slice(at + 1).toLowerCase()}`
  })
  .refine(isMailAddress, 'This is no e-mail address')

/** What stands behind the @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
