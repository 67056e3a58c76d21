import fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from './html.ts'

test('what is put in is escaped, what html made is not', () => {
  expect(html`<p title="${'"'}">${'<script>'}${1}${html`<b>${"&'"}</b>`}</p>`.text).toBe(
    '<p title="&quot;">&lt;script&gt;1<b>&amp;&#39;</b></p>',
  )
  const items = ['a', '<'].map((each) => html`<li>${each}</li>`)
  expect(
    html`<ul>
      ${items}
    </ul>`.text.replaceAll(/\s+/g, ''),
  ).toBe('<ul><li>a</li><li>&lt;</li></ul>')
})

test('no text opens a tag or leaves an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(html`${text}`.text).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/)
    }),
  )
})
