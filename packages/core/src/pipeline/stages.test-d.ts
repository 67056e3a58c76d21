import { expectTypeOf, test } from 'vitest'
import type { Platform } from '../platform/platform.ts'
import type { Answer, TextAnswer } from './answer.ts'
import type { Call } from './call.ts'
import { perform } from './data.ts'
import { authorize, Authorized } from './policy.ts'
import type { InTenant } from './tenant.ts'

declare const platform: Platform
declare const request: InTenant

test('the data stage takes what the policy stage made, and nothing that looks like it', () => {
  expectTypeOf(perform).parameter(1).toEqualTypeOf<Authorized>()
  const authorized = authorize(platform, request)
  // @ts-expect-error the policy stage was left out
  void perform(platform, request)
  // @ts-expect-error a look-alike
  void perform(platform, { request, visible: authorized.visible, allowed: authorized.allowed })
  // @ts-expect-error a spread with a wider condition
  void perform(platform, { ...authorized, allowed: { kind: 'always' } }) // eslint-disable-line typescript/no-misused-spread
  // @ts-expect-error nobody else can make one
  void new Authorized(request, authorized.visible, authorized.allowed)
})

test('an idempotency key keeps text: bytes and streams cannot be replayed', () => {
  expectTypeOf<Parameters<Parameters<Call['transact']>[0]>[0]>().not.toBeAny()
  expectTypeOf<ReturnType<Call['write']>>().toEqualTypeOf<Promise<TextAnswer>>()
  expectTypeOf<Answer>().not.toExtend<TextAnswer>()
  const call = {} as Call
  const bytes: Answer = { status: 200, headers: {}, body: new Uint8Array() }
  // @ts-expect-error it would be kept as {"0":…}
  void call.write(() => Promise.resolve(bytes))
  // @ts-expect-error the same for a transaction
  void call.transact(() => Promise.resolve(bytes))
})
