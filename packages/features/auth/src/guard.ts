import { foldedName, PlinthError, type Attempt, type AttemptLimit, type Client, type Platform } from '@plinth/core'
import type { Account } from './accounts/find-account.ts'

const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR

/**
 * How often one may guess. Every guess is charged before it is looked at. The bucket of an account belongs to the account and the
 * client together: a stranger who empties it has locked out himself, and the owner signs in from where he is. Of whoever guesses from
 * many clients there is a second one, of the account alone; where it is empty, the owner signs in from where he did before.
 */
export class Guard {
  readonly #platform: Platform

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /** 10 failures in 15 minutes for an account and a client, 100 for a client. @throws rate_limited, unavailable */
  signIn(account: string, client: Client): Promise<Attempt> {
    return this.#platform.rates.attempt(ofSignIn(account, client))
  }

  /**
   * 50 failures a day for a name, from all clients together, and then one in half an hour: an account has two names, and NIST SP 800-63B
   * allows a hundred. Whoever is known is not held up by it.
   * @param name as it was typed: counted by account, one name would tell of the other
   * @throws rate_limited, unavailable
   */
  async guesses(name: string, isKnown: () => Promise<boolean>): Promise<Attempt> {
    try {
      return await this.#platform.rates.attempt([ofName(name)])
    } catch (error) {
      if (PlinthError.is(error) && error.code === 'rate_limited' && (await isKnown())) return free
      throw error
    }
  }

  /**
   * The same where the password is asked at a session or behind a link, and 50 failures a day for the account, from all clients together:
   * whoever has stolen a session could guess from as many as he likes. Apart from the guesses of sign-ins, so that he does not use up
   * the owner's. @throws rate_limited, unavailable
   */
  holder(userId: string, client: Client): Promise<Attempt> {
    return this.#platform.rates.attempt([...ofSignIn(userId, client), ofHolder(userId)])
  }

  /** After a new password was set: what was guessed of the old one counts no more. */
  async forgive({ userId, email, username }: Pick<Account, 'userId' | 'email' | 'username'>): Promise<void> {
    const limits = [ofHolder(userId), ...[email, username].flatMap((name) => (name === null ? [] : [ofName(name)]))]
    try {
      await this.#platform.rates.reset(limits)
    } catch (error) {
      // The password is set, whatever becomes of the bucket, which refills by itself.
      if (!PlinthError.is(error) || error.code !== 'unavailable') throw error
    }
  }

  /**
   * 5 wrong codes in 5 minutes for a user, whoever shows them: six digits are soon guessed by many. Not for passkeys, which nobody
   * guesses: who has the password alone would keep the owner out by answers that are none. @throws rate_limited, unavailable
   */
  code(userId: string): Promise<Attempt> {
    return this.#platform.rates.attempt([{ name: 'mfa', by: [userId], capacity: 5, windowSeconds: 5 * MINUTE }])
  }

  /** 60 accounts an hour from one client. @throws rate_limited, unavailable */
  register(client: Client): Promise<Attempt> {
    return this.#attempt(ofClient('register', client, 60), HOUR)
  }

  /**
   * Links hold 256 bits and are not guessed; each try costs a look at the database: 100 wrong ones in 15 minutes.
   * @throws rate_limited, unavailable
   */
  token(client: Client): Promise<Attempt> {
    return this.#attempt(ofClient('one-time', client, 100), 15 * MINUTE)
  }

  /** 300 passkeys asked for in 15 minutes by one client: each is a row until it is answered or over. @throws rate_limited, unavailable */
  async ceremony(client: Client): Promise<void> {
    await this.#attempt(ofClient('passkey', client, 300), 15 * MINUTE)
  }

  /**
   * Whether another mail of this kind may go to this address: 5 an hour. A bucket for each kind, or a stranger who asks for one that
   * is never sent would use up those that its owner needs.
   */
  async mailsTo(email: string, kind: 'reset' | 'verify' | 'register'): Promise<boolean> {
    try {
      await this.#platform.rates.attempt([
        { name: `${kind}-mail`, by: [foldedName(email)], capacity: 5, windowSeconds: HOUR },
      ])
      return true
    } catch (error) {
      if (PlinthError.is(error) && error.code === 'rate_limited') return false
      throw error
    }
  }

  /** 5 mails an hour to an address that somebody says is his, and 10 from one account. @throws rate_limited, unavailable */
  async newAddress(userId: string, email: string): Promise<void> {
    await this.#attempt(
      [
        { name: 'address-mail', by: [foldedName(email)], capacity: 5 },
        { name: 'address-change', by: [userId], capacity: 10 },
      ],
      HOUR,
    )
  }

  #attempt(limits: readonly Omit<AttemptLimit, 'windowSeconds'>[], windowSeconds: number): Promise<Attempt> {
    if (limits.length === 0) return Promise.resolve(free)
    return this.#platform.rates.attempt(limits.map((limit) => ({ ...limit, windowSeconds })))
  }
}

const free: Attempt = { refund: () => Promise.resolve() }

function ofName(name: string): AttemptLimit {
  return { name: 'login-account', by: [foldedName(name)], capacity: 50, windowSeconds: DAY }
}

function ofSignIn(account: string, client: Client): readonly AttemptLimit[] {
  const ofBoth = { name: 'login', by: [foldedName(account), client.key ?? 'in process'], capacity: 10 }
  return [ofBoth, ...ofClient('login-client', client, 100)].map((limit) => ({ ...limit, windowSeconds: 15 * MINUTE }))
}

function ofHolder(userId: string): AttemptLimit {
  return { name: 'holder-account', by: [userId], capacity: 50, windowSeconds: DAY }
}

/** A call in this process has no address, and nobody else's bucket to empty. */
function ofClient(name: string, { key }: Client, capacity: number): readonly Omit<AttemptLimit, 'windowSeconds'>[] {
  return key === undefined ? [] : [{ name, by: [key], capacity }]
}
