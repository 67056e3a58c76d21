import { createHash } from 'node:crypto'
import { problem, silentLogger, type InputFault, type Logger, type StartupFault } from '@plinth/core'
import type { BreachCheck } from './breach-check.ts'
import { frequentPasswords } from './frequent-passwords.ts'
import { isGuessable } from './guessable.ts'
import { tooLong } from './hash-password.ts'
import { preparePassword } from './prepare-password.ts'

export interface PasswordPolicyOptions {
  /**
   * Code points, where the password is the only factor. Default 15 (NIST SP 800-63B-4 §3.1.1.2), 8 to 64: longer ones must be
   * allowed to be chosen, so they cannot be asked for.
   */
  readonly minimum?: number
  /** Where a second factor is confirmed. Default 8, and at most `minimum`. */
  readonly minimumWithSecondFactor?: number
  /** Asked about passwords that nothing else is wrong with. Default: none; nothing is sent anywhere. */
  readonly breachCheck?: BreachCheck
  /** Of the product, which is the password of somebody in every product. */
  readonly productName?: string
}

/** Who chooses. What is known about him is tried first. */
export interface PasswordOwner {
  readonly email?: string
  readonly username?: string
  readonly name?: string
  readonly hasSecondFactor?: boolean
}

export interface PasswordPolicy {
  /** What is wrong with the options; for the feature's faults at start. */
  readonly faults: readonly StartupFault[]
  /**
   * What is wrong with a password that somebody chooses: `password_too_long`, `password_too_short`, `password_too_common`,
   * `password_breached`. Never asked when somebody logs in: a rule that came later must not lock anyone out.
   * @param place where the password stood in the input; default `/password`
   */
  faultsOf(password: string, owner?: PasswordOwner, place?: string): Promise<readonly InputFault[]>
  /** @throws validation_failed with those faults */
  check(password: string, owner?: PasswordOwner, place?: string): Promise<void>
}

/** Searched for by alerts: while it is logged, breached passwords are taken. */
export const breachCheckFailed = 'breach_check_failed'

/** No composition rules, and none about age: they make passwords worse (NIST SP 800-63B-4 §3.1.1.2). */
export function passwordPolicy(options: PasswordPolicyOptions = {}, log: Logger = silentLogger): PasswordPolicy {
  const { minimum = 15, breachCheck, productName = '' } = options
  const withFactor = options.minimumWithSecondFactor ?? Math.min(8, minimum)

  const faultsOf = async (
    password: string,
    owner: PasswordOwner = {},
    path = '/password',
  ): Promise<readonly InputFault[]> => {
    const bytes = preparePassword(password)
    if (!bytes) return [tooLong(path)]
    const text = bytes.toString()
    const least = owner.hasSecondFactor ? withFactor : minimum
    const faults: InputFault[] = []
    if (count(text) < least)
      faults.push({
        path,
        code: 'password_too_short',
        message: `Password must be at least ${least} characters`,
      })
    if (isGuessable(text, await frequentPasswords(), wordsOf(owner, productName)))
      faults.push({
        path,
        code: 'password_too_common',
        message: 'Password is among the first that are guessed: a common one, or made of common ones or of your name',
      })
    if (faults.length === 0 && breachCheck && (await isBreached(bytes, breachCheck, log)))
      faults.push({
        path,
        code: 'password_breached',
        message: 'Password is known from a breach of another service',
      })
    return faults
  }
  return {
    faults: configurationFaults(minimum, withFactor),
    faultsOf,
    async check(password, owner, place) {
      const errors = await faultsOf(password, owner, place)
      if (errors.length > 0) throw problem('validation_failed', { errors })
    },
  }
}

/** Code points: an emoji is one character to him who types it. */
function count(text: string): number {
  let points = 0
  for (const _point of text) points += 1
  return points
}

/** Parts of names too: of `Ada Lovelace` and `ada.lovelace@acme.com`, `ada`, `lovelace` and `acme`. */
function wordsOf({ email = '', username = '', name = '' }: PasswordOwner, productName: string): readonly string[] {
  const [local = '', domain = ''] = email.split('@')
  const whole = [email, local, domain, username, name, productName].map((each) => each.normalize('NFKC').toLowerCase())
  const pieces = whole.flatMap((each) => [each, each.replaceAll(/[\s._+-]+/g, ''), ...each.split(/[^\p{L}\p{N}]+/u)])
  return [...new Set(pieces)].filter((word) => word.length >= 3 && word.length <= 64)
}

async function isBreached(bytes: Buffer, breachCheck: BreachCheck, log: Logger): Promise<boolean> {
  const sha1 = createHash('sha1').update(bytes).digest('hex').toUpperCase()
  try {
    return (await breachCheck(sha1.slice(0, 5))).has(sha1.slice(5))
  } catch (error) {
    // Open: an outage of somebody else's service must not keep people from changing their passwords.
    log.warn(breachCheckFailed, { error })
    return false
  }
}

function configurationFaults(minimum: number, withFactor: number): readonly StartupFault[] {
  const faults: StartupFault[] = []
  const range = (value: number, most: number): boolean => Number.isInteger(value) && value >= 8 && value <= most
  if (!range(minimum, 64))
    faults.push({ path: 'auth.password.minimum', problem: `${minimum} is not from 8 to 64`, fix: 'minimum: 15' })
  if (!range(withFactor, 64) || withFactor > minimum)
    faults.push({
      path: 'auth.password.minimumWithSecondFactor',
      problem: `${withFactor} is not from 8 to the minimum without one`,
      fix: 'minimumWithSecondFactor: 8',
    })
  return faults
}
