import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationInWords, readDuration } from './read-duration.ts'

test('a number and a unit', () => {
  expect(['30s', '10m', '12h', '7d'].map(readDuration)).toEqual([30, 600, 43_200, 604_800])
  for (const wrong of [
    '',
    '10',
    'm',
    '0m',
    '-1m',
    '+1m',
    '1.5h',
    '01m',
    '10 m',
    '10M',
    '10m ',
    '1h30m',
    '10m\n',
    '٣m',
    '99999999d',
  ])
    expect(readDuration(wrong), JSON.stringify(wrong)).toBeUndefined()
  for (const wrong of [600, null, undefined, {}, ['10m']]) expect(readDuration(wrong)).toBeUndefined()
  fc.assert(fc.property(fc.anything(), (value) => (readDuration(value) ?? 1) > 0))
})

test('in words', () => {
  expect([1, 30, 60, 90, 600, 3600, 5400, 86_400, 604_800].map(durationInWords)).toEqual([
    '1 second',
    '30 seconds',
    '1 minute',
    '90 seconds',
    '10 minutes',
    '1 hour',
    '90 minutes',
    '1 day',
    '7 days',
  ])
})
