import { isPerson, type Principal } from '../auth/principal.ts'
import { durationInWords } from '../duration/read-duration.ts'
import { staleness } from '../policy/freshness.ts'
import type { AccessRule, Verdict } from './access-explanation.ts'

/**
 * What an action asks of the sign-in, beside what rules say of it. It is asked after the permission and before the row, so a sign-in that is
 * too old hides what would be said of the row. Of a person who is not signed in here nobody can say how long ago he was: then it is told
 * as a rule that narrows.
 * @param fresh seconds; undefined where the action does not ask for it
 */
export function withFreshness(
  verdict: Verdict,
  principal: Principal,
  { fresh, permitted, now }: { readonly fresh: number | undefined; readonly permitted: boolean; readonly now: Date },
): Verdict {
  if (fresh === undefined || !permitted) return verdict
  const words = `a sign-in within ${durationInWords(fresh)}`
  const rule = (effect: AccessRule['effect']): AccessRule => ({ source: 'sign-in', name: words, effect })
  const stale = staleness(principal, fresh, now)
  const knowable = principal.kind !== 'user' || principal.session !== undefined
  if (stale && knowable)
    return {
      decision: 'denied',
      answer: stale.code,
      decidedBy: 'sign-in',
      sentence: isPerson(principal)
        ? `Denied for now: it asks for ${words}, and ${principal.name} signed in longer ago.`
        : `Denied: it asks for ${words}, and ${principal.name} is no person who could sign in.`,
      rules: [...verdict.rules, rule('refuses')],
    }
  return {
    ...verdict,
    sentence: verdict.decision === 'denied' ? verdict.sentence : `${verdict.sentence} It asks for ${words}.`,
    rules: [...verdict.rules, rule(stale ? 'narrows' : 'admits')],
  }
}
