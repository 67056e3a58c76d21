import type { Parameter, Raw } from './driver.ts'

/*
 * How both clients hand values over. Their own parsers are replaced, for they disagree with each other and with `Raw`:
 * PGlite makes int8 a number or a bigint, postgres.js makes it text; both make times a Date (which loses microseconds);
 * postgres.js 3.4.9 reads NULL in an array as the text 'NULL' (in int4[] as NaN) and '[0:1]={1,2}' as a nested array.
 */

const toNumber = (text: string): number => Number(text)
const toBoolean = (text: string): boolean => text === 't'

/** By OID of the type: int2, int4, float4, float8 are numbers, bool is a boolean. */
const scalars: ReadonlyMap<number, (text: string) => Raw> = new Map<number, (text: string) => Raw>([
  [16, toBoolean],
  [21, toNumber],
  [23, toNumber],
  [700, toNumber],
  [701, toNumber],
])

/** Array types of the types above: OID of the array, OID of the element. */
const arraysOfScalars = [
  [1000, 16],
  [1005, 21],
  [1007, 23],
  [1021, 700],
  [1022, 701],
] as const

/**
 * Array types whose elements stay text. The OIDs of built-in types never change; a test compares this list with the
 * catalog. An array of a type made by `create type` (an enum, a domain) has an OID that differs by database, so it is handed
 * over as the text PostgreSQL printed: select it as `column::text[]`.
 */
const arraysOfText = [
  143, 199, 271, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1006, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016,
  1017, 1018, 1019, 1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 1263, 1270, 1561, 1563, 2201,
  2207, 2208, 2209, 2210, 2211, 2949, 2951, 3221, 3643, 3644, 3645, 3735, 3770, 3807, 3905, 3907, 3909, 3911, 3913,
  3927, 4073, 4090, 4097, 4192, 5039, 6150, 6151, 6152, 6153, 6155, 6157,
] as const

/** The one type whose arrays are separated by semicolons. */
const arrayOfBox = 1020

/** What to do with the text of a value, by the OID of its type; a type that is not here stays text. */
export const rawParsers: ReadonlyMap<number, (text: string) => Raw> = new Map<number, (text: string) => Raw>([
  ...scalars,
  ...arraysOfScalars.map(([array, element]) => [array, arrayOf(scalars.get(element))] as const),
  ...arraysOfText.map((array) => [array, arrayOf()] as const),
  [arrayOfBox, arrayOf(undefined, ';')],
])

/**
 * A parameter as it goes over the wire. Always text: the SQL casts it, the server infers the type from the cast, and both
 * clients then do the same. As a JS boolean, postgres.js would declare the parameter's type by its value, and the same SQL
 * text with `true` and with `null` would be two prepared statements on every connection.
 */
export function wireText(parameter: Parameter): string | null {
  return parameter === null || typeof parameter === 'string' ? parameter : String(parameter)
}

function arrayOf(element?: (text: string) => Raw, separator = ','): (text: string) => Raw {
  return (text) => readArray(text, element ?? ((item) => item), separator)
}

/** Reads `{1,NULL,3}`, `{{a,b},{c,d}}`, `{"a \"quoted\" item"}`, and bounds in front of them (`[0:1]={1,2}`). */
function readArray(text: string, element: (text: string) => Raw, separator: string): Raw {
  let at = text.indexOf('{')

  function readItems(): Raw[] {
    const items: Raw[] = []
    at++
    while (at < text.length) {
      const character = text[at]
      if (character === '}') {
        at++
        return items
      }
      if (character === separator) at++
      else if (character === '{') items.push(readItems())
      else if (character === '"') items.push(element(readQuoted()))
      else items.push(readBare())
    }
    return items
  }

  function readQuoted(): string {
    let item = ''
    for (at++; at < text.length; at++) {
      const character = text[at]
      if (character === '"') break
      item += character === '\\' ? (text[++at] ?? '') : character
    }
    at++
    return item
  }

  function readBare(): Raw {
    const start = at
    while (at < text.length && text[at] !== separator && text[at] !== '}') at++
    const item = text.slice(start, at)
    // Only without quotes it is the null; the text 'NULL' comes as "NULL".
    return item === 'NULL' ? null : element(item)
  }

  return readItems()
}
