import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { envLine, parseEnvText } from './env-files.ts'

describe('parseEnvText', () => {
  test('reads what people write', () => {
    const text = '\uFEFFA=1\r\n# note\nB="x y" # note\nexport C=3\nD=\nE=$A\nF="two\nlines"\n G = spaced \n'
    expect({ ...parseEnvText(text, '.env').values }).toEqual({
      A: '1',
      B: 'x y',
      C: '3',
      D: '',
      E: '$A',
      F: 'two\nlines',
      G: 'spaced',
    })
  })

  test('notes the names whose value ends at a #', () => {
    const text = 'A=p#w\nB=p #w\nC="p#w"\nexport D = a#\nE=\'#\'\n#F=a#b\nG=#only\n  H=x/#y\n'
    expect([...parseEnvText(text, '.env').cut]).toEqual(['A', 'D', 'H'])
  })
})

describe('envLine', () => {
  test('quotes only where needed', () => {
    expect(envLine('A', 'postgres://u:p@h:5432/db?x=1')).toBe('A=postgres://u:p@h:5432/db?x=1')
    expect(envLine('A', '["a"]')).toBe('A=\'["a"]\'')
    expect(envLine('A', 'p#w')).toBe("A='p#w'")
    expect(envLine('A', `'"\``)).toBeUndefined()
  })

  test('is read back as it was, whatever the value', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', ' ', '#', '"', "'", '`', '\\', 'n', '\n', '$', '=', '{', '}') }),
    )
    fc.assert(
      fc.property(text, (value) => {
        const line = envLine('NAME', value)
        fc.pre(line !== undefined && !value.includes('\r') && !value.includes('\0'))
        const { values, cut } = parseEnvText(`BEFORE=1\n${line}\nAFTER=2\n`, '.env')
        expect({ ...values }).toEqual({ BEFORE: '1', NAME: value, AFTER: '2' })
        expect(cut.has('NAME')).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })
})
