import { expect, test } from 'vitest'
import { wantsJson } from './wants-json.ts'

test.each([
  'application/json',
  'application/problem+json',
  'application/json, text/plain, */*',
  'text/html;q=0.5, application/json',
  'APPLICATION/JSON; charset=utf-8',
  'text/*;q=0.1,application/*',
])('%s is JSON', (accept) => {
  expect(wantsJson(accept)).toBe(true)
})

test.each([
  undefined,
  '',
  '*/*',
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
  'application/json;q=0.5, text/html',
  'application/json;q=0',
  'application/json;q=none',
  'image/png',
  'text/html, application/json',
])('%s is the page', (accept) => {
  expect(wantsJson(accept)).toBe(false)
})
