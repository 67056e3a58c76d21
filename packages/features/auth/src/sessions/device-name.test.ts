import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deviceName } from './device-name.ts'

const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko)'

describe('deviceName', () => {
  test.each([
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0', 'Firefox on Windows'],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on macOS'],
    [`Mozilla/5.0 (Windows NT 10.0) ${webKit} Chrome/126.0.0.0 Safari/537.36 Edg/126.0`, 'Microsoft Edge on Windows'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
    [
      `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${webKit} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
      'Samsung Internet on Android',
    ],
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webKit} Chrome/126.0.0.0 Safari/537.36`, 'Chrome on Chrome OS'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${webKit} Chrome/126.0.0.0 Safari/537.36 OPR/112.0`, 'Opera on Linux'],
    ['Mozilla/5.0 (X11; Linux x86_64)', 'Linux'],
    ['curl/8.4.0', 'curl'],
    ['node', 'Node.js'],
    ['python-requests/2.31.0', 'Python'],
    ['PostmanRuntime/7.36.0', 'Postman'],
    ['  Go-http-client/2.0  ', 'Go'],
  ])('%s', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name)
  })

  test('knows nothing of what it does not know', () => {
    for (const odd of [
      undefined,
      null,
      '',
      ' ',
      '\u0000',
      'x',
      '/',
      'Mozilla/5.0',
      '__proto__/1 x',
      'constructor/1 x',
      'Generic/1 x',
    ])
      expect(deviceName(odd)).toBe('Unknown device')
  })

  test('no word of the header comes onto the screen', () => {
    const canary = 'Approved by your administrator'
    for (const agent of [
      `${canary}/1 x`,
      `<b>${canary}</b>/1 y`,
      `Mozilla/5.0 (${canary}; Windows NT 10.0) ${canary}/1`,
    ])
      expect(deviceName(agent)).not.toMatch(/Approved|</)
  })

  test('never throws, and its names are short, plain and few', () => {
    const words = fc.constantFrom(
      'Mozilla/5.0',
      '(',
      ')',
      ';',
      'Windows NT',
      'Android 14',
      'Firefox/1',
      'Chrome/',
      'Version/',
      ' ',
      '/',
      'iPhone',
      'bot',
      '=',
    )
    const agents = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 80 }).map((some) => some.join(' ')),
    )
    fc.assert(
      fc.property(agents, (agent) => {
        expect(deviceName(agent)).toMatch(/^[A-Za-z0-9][A-Za-z0-9 .!+()'&/-]{0,60}$/)
      }),
      { numRuns: 1_000 },
    )
    expect(deviceName(`${' '.repeat(600)}curl/8`)).toBe('Unknown device')
    expect(deviceName('('.repeat(1_000_000))).toBe('Unknown device')
  })
})
