import type { Client, Feature } from '@plinth/core'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Case } from './case.ts'

/** Shows who sent a request, as the platform sees it. */
export const whoSent: Feature = {
  name: 'who-sent',
  routes: () => [
    {
      method: 'GET',
      path: '/api/v1/sender',
      operationId: 'sender',
      summary: 'Who sent this',
      tag: 'about',
      origin: 'product',
      public: true,
      errors: [],
      answers: [{ status: 200, description: 'The sender', schema: z.object({ key: z.string() }) }],
      handle: ({ client, requestId }) => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...client, requestId }),
      }),
    },
  ],
}

async function sender(url: string, headers: Record<string, string>): Promise<Client & { readonly requestId: string }> {
  const answer = await fetch(`${url}/api/v1/sender`, { headers: { 'x-request-id': 'sender-1234', ...headers } })
  return (await answer.json()) as Client & { readonly requestId: string }
}

/** Who sends. */
export const clientCases: readonly Case[] = [
  {
    title: "the client's address is the connection's; `X-Forwarded-*` is not believed",
    async run({ host, plinth }) {
      const { url } = await host(plinth)
      const forged = { 'x-forwarded-for': '198.51.100.9', 'x-forwarded-proto': 'https', 'user-agent': 'a/1' }
      expect(await sender(url, forged)).toEqual({
        address: '127.0.0.1',
        key: '127.0.0.1',
        secure: false,
        own: false,
        userAgent: 'a/1',
        requestId: 'sender-1234',
      })
    },
  },
  {
    title: 'behind a proxy named in `TRUSTED_PROXIES` they are',
    async run({ host, prefixed }) {
      const { url } = await host(prefixed)
      const headers = { 'x-forwarded-for': '6.6.6.6, 2001:db8:0:1::7, 10.1.1.1', 'x-forwarded-proto': 'https' }
      expect(await sender(`${url}/tools`, headers)).toMatchObject({
        address: '2001:db8:0:1::7',
        key: '2001:db8:0:1::/64',
        secure: true,
      })
    },
  },
]
