import type { Plinth } from '@plinth/core'
import { spread } from '../report/statistics.ts'
import { areaUnderCurve } from './mann-whitney.ts'

export interface TimingQuestion {
  readonly title: string
  readonly path: string
  /** How it answers, alike for both. */
  readonly status: number
  readonly body: (email: string, number: number) => object
}

/** Whatever is asked about an address that may have an account. */
export const timingQuestions: readonly TimingQuestion[] = [
  {
    title: 'login, wrong password',
    path: '/api/v1/auth/login',
    status: 401,
    body: (email) => ({ email, password: 'never the right pass phrase' }),
  },
  {
    title: 'register by mail',
    path: '/api/v1/auth/register',
    status: 202,
    body: (email) => ({ email, password: 'a pass phrase that is long enough' }),
  },
  { title: 'forgot password', path: '/api/v1/auth/password/forgot', status: 202, body: (email) => ({ email }) },
  { title: 'resend verification', path: '/api/v1/auth/email/resend', status: 202, body: (email) => ({ email }) },
]

export interface TimingFigures {
  readonly title: string
  readonly pairs: number
  readonly area: number
  readonly knownMs: number
  readonly unknownMs: number
  /** Median of the differences within the pairs. */
  readonly differenceMs: number
}

/**
 * Pairs of requests, one about an address with an account and one about an address without, in an order that changes by chance, one
 * after the other and through the whole HTTP stack of this process.
 */
export async function timePairs(
  plinth: Pick<Plinth, 'fetch'>,
  question: TimingQuestion,
  known: (pair: number) => string,
  pairs: number,
  settled: () => Promise<void>,
): Promise<TimingFigures> {
  const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] }
  const ask = async (kind: 'known' | 'unknown', pair: number): Promise<void> => {
    const email = kind === 'known' ? known(pair) : `nobody-${question.title.length}-${pair}@example.com`
    const request = new Request(`http://127.0.0.1${question.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question.body(email, pair)),
    })
    const startedAt = performance.now()
    const response = await plinth.fetch(request)
    await response.text()
    const took = performance.now() - startedAt
    if (response.status !== question.status) throw new Error(`${question.title}: ${kind} answered ${response.status}`)
    if (pair >= 0) times[kind].push(took)
    // What goes on after the answer must not fall into the time of the next one.
    await settled()
  }
  for (let pair = -20; pair < pairs; pair += 1) {
    const order = Math.random() < 0.5 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of order) await ask(kind, pair)
  }
  return {
    title: question.title,
    pairs,
    area: areaUnderCurve(times.known, times.unknown),
    knownMs: spread(times.known).median,
    unknownMs: spread(times.unknown).median,
    differenceMs: spread(times.known.map((value, at) => value - times.unknown[at]!)).median,
  }
}
