import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuth, type AuthPlatform } from '../../tests/open-auth.ts'

let platform: AuthPlatform
beforeAll(async () => {
  platform = await openAuth()
}, 120_000)
afterAll(() => platform.close())

test('every link of a mail leads to a page, the same for everyone, that runs its own script alone', async () => {
  const person = await platform.signUp()
  await platform.mail.waitFor(person.email)
  await platform.call('POST', '/api/v1/auth/password/forgot', { email: person.email })
  await platform.mail.waitFor(person.email, { count: 2 })
  const links = platform.mail.to(person.email).map(({ text }) => new URL(/https:\/\/\S+/.exec(text)![0]))
  expect(links.map(({ pathname }) => pathname)).toEqual(['/verify-email', '/reset-password'])
  for (const { pathname, hash } of [...links, new URL('https://app.example.com/forgot-password')]) {
    const page = await platform.call('GET', pathname)
    expect(page.status, pathname).toBe(200)
    expect(page.body).toContain('<form')
    const policy = page.headers['content-security-policy']
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self';/,
    )
    // The fragment is not sent; nothing of it could be there.
    if (hash !== '') expect(page.body).not.toContain(hash.slice('#token='.length))
  }
})
