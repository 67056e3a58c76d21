import { expect, test } from 'vitest'
import { oneInWords } from './in-words.ts'

test.each([
  ['site', 'a site'],
  ['agentTemplate', 'an agent template'],
  ['user', 'a user'],
  ['unit', 'a unit'],
  ['update', 'an update'],
  ['invoice', 'an invoice'],
])('%s is %s', (name, words) => {
  expect(oneInWords(name)).toBe(words)
})
