import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkMail } from './check-mail.ts'
import { composeMail } from './compose-mail.ts'
import { oneLine } from './one-line.ts'

const url = 'https://app.example.com/reset?token=abc_DEF-123&next=%2Fa%20b'
const parts = {
  productName: 'Lookout',
  heading: 'Choose a new password',
  paragraphs: ['Somebody asked for a new password.', 'The link works once, for 30 minutes.'],
  action: { label: 'Choose a password', url },
  footer: 'If it was not you, do nothing.',
}
const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

describe('both bodies', () => {
  const { text, html } = composeMail({ ...parts, language: 'en' })

  test('say the same, in the same order', () => {
    const words = [parts.productName, parts.heading, ...parts.paragraphs, parts.action.label, url, parts.footer]
    for (const body of [text, unescaped(html.slice(html.indexOf('<body')))]) {
      let from = 0
      for (const word of words) {
        const at = body.indexOf(word, from)
        expect(at, `${word} in ${body}`).toBeGreaterThan(-1)
        from = at
      }
    }
  })

  test('hold the address whole: on a line of its own in text, in the button and readable in HTML', () => {
    expect(text.split('\n')).toContain(url)
    const targets = [...html.matchAll(/href="([^"]*)"/g)].map((match) => unescaped(match[1] ?? ''))
    expect(targets).toEqual([url, url])
    expect(unescaped(html)).toContain(`>${url}</a>`)
  })

  test('fetch nothing, run nothing, and style inline alone', () => {
    expect(html).not.toMatch(
      /<(img|link|script|style|iframe|video|object|form|svg|base)\b|url\(|@import|\bsrc=|\son\w+=|class=/i,
    )
    expect(html).toContain('lang="en"')
    expect(html).toContain('name="color-scheme" content="light dark"')
    // The reader's own paper and ink: the only fixed colours are those of the button, both of them.
    const cellsWithPaper = [...html.matchAll(/background-color:/g)]
    expect(cellsWithPaper).toHaveLength(1)
  })

  test('are laid out from the side where the language begins', () => {
    const of = (language: string): string => /dir="(\w+)"/.exec(composeMail({ ...parts, language }).html)?.[1] ?? ''
    expect(['en', 'ar', 'he-IL', 'arn', ''].map(of)).toEqual(['ltr', 'rtl', 'rtl', 'ltr', 'ltr'])
  })

  test('make a mail that may be sent, also without action and footer', () => {
    const bare = composeMail({ productName: 'Lookout', heading: 'Your password was changed', paragraphs: ['Today.'] })
    expect(bare.html).not.toContain('<a ')
    expect(bare.text).not.toContain('-- ')
    for (const body of [{ text, html }, bare])
      expect(() => checkMail({ to: 'ada@example.com', subject: 'x', ...body })).not.toThrow()
  })
})

test('what people chose stays text: no tag, no attribute, no line of its own', () => {
  const evil = '<img src=x onerror=alert(1)>"\'&amp;\r\n-- \nhttps://evil.example'
  const { text, html } = composeMail({
    productName: evil,
    heading: evil,
    paragraphs: [evil],
    action: { label: evil, url },
    footer: evil,
    language: '"><script>',
  })
  expect(html).not.toMatch(/<img|<script|onerror=alert\(1\)>"/)
  expect(text.split('\n').filter((line) => line === 'https://evil.example' || line === '-- ')).toEqual(['-- '])
  const tags = (body: string): readonly string[] => body.match(/<[a-z/!][^>]*>/gi) ?? []
  const expected = tags(composeMail({ ...parts, heading: '', paragraphs: ['', ''] }).html)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (any) => {
      const composed = composeMail({ ...parts, heading: any, paragraphs: [any, any] }).html
      expect(tags(composed)).toEqual(expected)
    }),
  )
})

test.each([
  'javascript:alert(1)',
  '/reset?token=a',
  'mailto:ada@example.com',
  'https://app.example.com@evil.example/',
  'data:text/html,x',
  '',
])('the address %j is refused', (bad) =>
  expect(() => composeMail({ ...parts, action: { label: 'Go', url: bad } })).toThrow(TypeError),
)

test('one address in one spelling: what could leave the attribute or the line is escaped by the parser', () => {
  const { text, html } = composeMail({
    ...parts,
    action: { label: 'Go', url: 'https://app.example.com/a"b\n<c>?q= "' },
  })
  expect(text).toContain('\nhttps://app.example.com/a%22b%3Cc%3E?q=%20%22\n')
  expect(html).not.toContain('a"b')
})

describe('one line', () => {
  test('holds no break, no control character and no mark that turns the words round', () => {
    expect(oneLine(' Acme\r\nBcc: eve@example.com\u202E\u2028x\t y ')).toBe('Acme Bcc: eve@example.com x y')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, most) => {
        const line = oneLine(text, most)
        expect([...line].length).toBeLessThanOrEqual(most)
        // oxlint-disable-next-line no-control-regex
        expect(line).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028-\u202E]/)
      }),
    )
  })

  test('is cut by characters, not through one', () => {
    expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…')
    expect(oneLine('😀😀😀', 3)).toBe('😀😀😀')
  })
})
