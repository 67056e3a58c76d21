import { execSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StartupError } from '../errors/startup-error.ts'
import { keyCommand, parseKeyRing, readKeyRing } from './key-ring.ts'

const base64 = () => randomBytes(32).toString('base64')

describe('parseKeyRing', () => {
  test('reads keys in their order, in both alphabets, padded or not', () => {
    const bytes = randomBytes(32)
    const ring = parseKeyRing(
      ` new-1:${bytes.toString('base64url')} , old_2:${base64()},x:${base64().replace('=', '')},`,
    )
    expect(ring.keys.map(({ kid }) => kid)).toEqual(['new-1', 'old_2', 'x'])
    expect(ring.keys[0].key.export()).toEqual(bytes)
    expect(Object.isFrozen(ring.keys)).toBe(true)
  })

  test('shows no key when it is printed, serialised or logged', () => {
    const text = base64()
    const ring = parseKeyRing(`k1:${text}`)
    const bytes = Buffer.from(text, 'base64')
    for (const shown of [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring)]) {
      for (const form of [text.slice(0, 10), bytes.toString('hex').slice(0, 10), bytes.subarray(0, 4).join(', ')])
        expect(shown).not.toContain(form)
    }
  })

  test('names each fault, and no key', () => {
    const same = base64()
    const swapped = `${base64()}:k1`
    const text = [
      base64(),
      swapped,
      `${'k'.repeat(17)}:${base64()}`,
      'a:***',
      `b:${randomBytes(16).toString('base64')}`,
      `c:${randomBytes(32).toString('hex')}`,
      `d:${Buffer.alloc(32, 'ab').toString('base64')}`,
      `e:${same}`,
      `f:${same}`,
      `e:${base64()}`,
      'g:',
      `h:${base64().slice(0, -2)}+=`,
    ]
    const { ring, problems } = readKeyRing(text.join(','))
    expect(ring).toBeUndefined()
    const shape = 'has no name of 1 to 16 letters, digits, _ or - and a colon before its base64'
    expect(problems.slice(0, -1)).toEqual([
      `key 1 ${shape}`,
      `key 2 ${shape}`,
      `key 3 ${shape}`,
      'key 4 is not base64',
      'key 5 has 16 bytes instead of 32',
      'key 6 has 48 bytes instead of 32; it looks like hex, base64 is needed',
      'key 7 is not random',
      'key 9 is the same as one before it',
      "the name 'e' is given twice",
      'key 11 is not base64',
    ])
  })

  test('no key is a fault', () => {
    expect(readKeyRing(' , ').problems).toEqual(['holds no key'])
    expect(() => parseKeyRing('')).toThrow(StartupError)
  })

  test('any text gives a ring or problems, and never a throw or a piece of the text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', 'Z', '9', ':', ',', '=', '+', '/', ' ', '-'), maxLength: 120 }),
    )
    fc.assert(
      fc.property(text, (given) => {
        const { ring, problems } = readKeyRing(`canary${given}`)
        expect(ring === undefined).toBe(problems.length > 0)
        expect(problems.join().replaceAll(/the name '[^']*'/g, '')).not.toContain('canary')
      }),
    )
  })
})

test('the command of the fix prints a line that is accepted', () => {
  const command = keyCommand.slice(keyCommand.indexOf('node -e')).replace('node', `"${process.execPath}"`)
  const line = execSync(command, { encoding: 'utf8' }).trim()
  expect(line).toMatch(/^SECRET_KEYS=k1:/)
  expect(readKeyRing(line.slice('SECRET_KEYS='.length)).problems).toEqual([])
})
