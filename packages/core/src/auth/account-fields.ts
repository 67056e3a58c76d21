import { z } from 'zod'
import { isMailAddress } from '../mail/check-mail.ts'

/**
 * The fields of an account where somebody types them: longer than anything that is taken, and short enough to be read without harm. What
 * is taken is judged by whoever fills the port `Accounts`.
 */
export const accountFields = {
  email: z.string().min(3).max(320),
  username: z.string().max(64),
  name: z.string().trim().max(200),
  password: z.string().min(1).max(4096),
} as const

/**
 * An address as it is stored and compared: normalised before it is judged (NFKC, RFC 8265 §3), since two spellings of one text would
 * be two accounts, and one of them somebody else's. The domain in lower case.
 * @returns undefined for what is none
 */
export function normalMailAddress(text: string): string | undefined {
  const whole = text.normalize('NFKC').trim()
  const at = whole.lastIndexOf('@')
  const address = `${whole.slice(0, at)}@${whole.slice(at + 1).toLowerCase()}`
  return at > 0 && isMailAddress(address) ? address : undefined
}
