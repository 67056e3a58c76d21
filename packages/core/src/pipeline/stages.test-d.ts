import { expectTypeOf, test } from 'vitest'
import type { Platform } from '../platform/platform.ts'
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
