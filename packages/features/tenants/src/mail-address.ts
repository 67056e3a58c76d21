import { accountFields, normalMailAddress } from '@plinth/core'
import { z } from 'zod'

/** An address as it is stored and compared. */
export const mailAddress = accountFields.email.transform((text, context) => {
  const address = normalMailAddress(text)
  if (address !== undefined) return address
  context.addIssue({ code: 'custom', message: 'This is no e-mail address' })
  return z.NEVER
})

/** What stands behind the @. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
