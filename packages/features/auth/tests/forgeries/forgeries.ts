import { claimForgeries } from './claim-forgeries.ts'
import { forge, type Forgery, type ForgeryParts } from './forge.ts'
import {
  algorithmForgeries,
  confusionForgeries,
  embeddedForgeries,
  kidForgeries,
  noneForgeries,
  typeForgeries,
} from './header-forgeries.ts'
import { signatureForgeries, spellingForgeries } from './spelling-forgeries.ts'

export type { Forgery, ForgeryParts } from './forge.ts'

/**
 * Tokens that no verifier of access tokens may accept, made from a valid one and the key that signed it: what RFC 8725 warns of,
 * what libraries were found to accept, and what is ours in every respect but one. About 480; all are refused with 401.
 */
export function forgeries(parts: ForgeryParts): Forgery[] {
  const tools = forge(parts)
  return [
    ...noneForgeries(tools),
    ...confusionForgeries(tools),
    ...algorithmForgeries(tools),
    ...kidForgeries(tools),
    ...embeddedForgeries(tools),
    ...typeForgeries(tools),
    ...claimForgeries(tools),
    ...spellingForgeries(tools),
    ...signatureForgeries(tools),
    ...Object.entries(parts.others ?? {}).map(([name, token]) => ({ name, token })),
  ]
}
