import type { FieldInfo } from '@plinth/core'
import type { SeededRandom } from '../random/seeded-random.ts'
import { sampleJson } from './sample-json.ts'

/*
 * The victim's values are recognisable wherever they turn up: texts hold a word that no other text holds, numbers and times
 * lie in ranges that nobody else uses, ids of free columns begin alike. One expression finds them all in an answer.
 */

/**
 * Stands in every text of the victim. `q` is no hex digit, so no UUID or hash contains it by chance, and it sorts behind what
 * the attacker writes: no comparison of texts passes between the two by accident.
 */
export const CANARY = 'q7071829q'

/** First parts of UUIDs by what they are; the attacker's own begin with `a`. */
const uuidStarts = {
  id: 'b1b1b1b1-7071',
  free: 'b0b0b0b0-7071',
  owner: 'b2b2b2b2-7071',
  group: 'b3b3b3b3-7071',
} as const

const anyMark = new RegExp(
  [
    CANARY,
    CANARY.toUpperCase(),
    String.raw`b[0-3]b[0-3]b[0-3]b[0-3]-7071[0-9a-f-]*`,
    String.raw`209[13]-\d\d-\d\d`,
    String.raw`(?<=")23:5\d:\d\d(?=")`,
    // smallint, integer, version, int8 as number and as text, numeric, float8, float4; alone, not in the middle of a UUID.
    String.raw`(?<![\w.-])(?:31\d{3}|1971\d{6}|7197\d\d|8971\d{11}|6971\d{14}|5971\d{5}\.\d+|4971\d{4}\.5|4971\d\d)(?![\w-])`,
  ].join('|'),
  'gi',
)

/** Every mark of the victim in a text; empty where there is none. */
export function marksIn(text: string): readonly string[] {
  return text.match(anyMark) ?? []
}

/** Whether a text holds any mark; as `marksIn`, without the list. */
export function isMarked(text: string): boolean {
  anyMark.lastIndex = 0
  return anyMark.test(text)
}

/**
 * Whose value is made: a recognisable one, an ordinary one of the same form, or (`open`) an ordinary one that sorts before
 * all others.
 */
export type Owner = 'victim' | 'attacker' | 'open'

export function markedUuid(random: SeededRandom, use: keyof typeof uuidStarts, owner: Owner): string {
  const ordinary = uuidStarts[use].replaceAll('b', owner === 'open' ? '0' : 'a').replace('7071', '1017')
  return `${owner === 'victim' ? uuidStarts[use] : ordinary}-7${random.uuid().slice(15)}`
}

/** First digits of ids that are whole numbers; within `integer`, and of ten digits all of them. */
const numberStarts = { victim: '1971', attacker: '1017', open: '1016' } as const

/** Where the counters of such ids go on: above them the victim's, marked too, and what is made for the attacker. */
export const madeNumbers = { victim: 1_971_900_001, attacker: 500_000_001 } as const

/** An id of a resource whose owner shows, as in `markedUuid`, whatever its key is. */
export function markedId(id: FieldInfo, random: SeededRandom, owner: Owner): string {
  if (id.kind.name === 'uuid') return markedUuid(random, 'id', owner)
  return id.kind.name === 'textKey' ? madeText(id, random, owner) : markedNumber(random, owner)
}

function markedNumber(random: SeededRandom, owner: Owner): string {
  // No nine behind the first digits: those ids the counter makes.
  return `${numberStarts[owner]}${random.below(9)}${random.digits(5)}`
}

/**
 * An id of the same form and length that nobody has.
 * @param id a UUID, a whole number, or a name
 */
export function nobodysId(random: SeededRandom, id: string): string {
  if (/^\d{10}$/.test(id)) return `1972${random.digits(6)}`
  if (id.length === 36 && id.includes('-')) return `c1c1c1c1-2027-7${random.uuid().slice(15)}`
  return `z${random.word(id.length - 1)}`
}

/**
 * A valid value of a column in its JSON form. The victim's is marked where the type has room for a mark: a boolean and an
 * enum have none.
 * @param use `stored`: past the schema, where another value of the same kind would be as good and may not be twice there
 */
export function madeValue(
  field: FieldInfo,
  random: SeededRandom,
  owner: Owner,
  use: 'sent' | 'stored' = 'sent',
): unknown {
  const made = valueOfKind(field, random, owner)
  // Rows of the victim are stored past the schemas; what the attacker sends should get past them.
  if (owner === 'victim') return made
  if (typeof made !== 'number') return use === 'stored' || passes(field, made) ? made : exampleOf(field, random, made)
  return [made, 0, 1, 5, 10, 50, 100, 200, 500].find((value) => field.schema.safeParse(value).success) ?? made
}

function passes(field: FieldInfo, value: unknown): boolean {
  return field.schema.safeParse(value).success
}

/** What means something where it is used (the name of a permission) cannot be made up: the schema's own examples are taken. */
function exampleOf(field: FieldInfo, random: SeededRandom, made: unknown): unknown {
  const examples = field.schema.meta()?.['examples']
  return Array.isArray(examples) && examples.length > 0 ? random.pick(examples) : made
}

function valueOfKind(field: FieldInfo, random: SeededRandom, owner: Owner): unknown {
  const { enumValues } = field.column
  if (enumValues && enumValues.length > 0) return random.pick(enumValues)
  const of = <T>(victims: T, attackers: T, open: T): T =>
    owner === 'victim' ? victims : owner === 'attacker' ? attackers : open
  switch (field.kind.name) {
    case 'text':
    case 'textKey':
      return madeText(field, random, owner)
    case 'integerKey':
    case 'bigintKey':
      return markedNumber(random, owner)
    case 'uuid':
      return markedUuid(random, 'free', owner)
    case 'smallint':
      return of(31_000 + random.below(1000), 1 + random.below(1000), 0)
    case 'integer':
      return of(Number(`1971${random.digits(6)}`), random.below(900) + 10, 1 + random.below(3))
    case 'bigNumber':
      return of(Number(`8971${random.digits(11)}`), random.below(9_000) + 10, 1)
    case 'bigText':
      return of(`6971${random.digits(14)}`, String(random.below(9_000) + 10), '1')
    case 'decimal':
      return of(`5971${random.digits(5)}.${random.digits(5)}7`, `${1 + random.below(9000)}.250000`, '0.250000')
    case 'float':
      if (field.column.columnType === 'PgReal')
        return of(Number(`4971${random.digits(2)}`), random.below(900) + 1.5, 0.5)
      return of(Number(`4971${random.digits(4)}.5`), random.below(900) + 1.25, 0.25)
    case 'boolean':
      return random.chance(0.5)
    case 'time':
    case 'timeText':
      return `${day(random, of(2093, 2021, 2001))}T${clock(random)}.${of('971123', '250000', '250000')}Z`
    case 'date':
      return day(random, of(2091, 2022, 2002))
    case 'clock':
      return of(`23:5${random.digits(1)}:${two(random.below(60))}`, clock(random), '00:00:01')
    case 'json':
      return (
        sampled(field, random, owner) ?? {
          note: madeText(field, random, owner),
          list: [madeText(field, random, owner), 1],
          deep: { flag: true, text: madeText(field, random, owner) },
        }
      )
    default:
      throw new Error(`no test value is known for columns of the kind ${field.kind.name}`)
  }
}

function sampled(field: FieldInfo, random: SeededRandom, owner: Owner): unknown {
  return sampleJson(field.schema, { text: () => markedText(random, owner, 200), keep: () => random.chance(0.6) })
}

function markedText(random: SeededRandom, owner: Owner, length: number): string {
  const mark = { victim: CANARY, attacker: 'm1017281m', open: 'a1017281a' }[owner]
  if (length < mark.length) return random.word(length)
  return `${mark}${random.word(Math.min(length - mark.length, 16))}`
}

function madeText(field: FieldInfo, random: SeededRandom, owner: Owner): string {
  const { length = 200 } = field.column as unknown as { readonly length?: number }
  const text = markedText(random, owner, length)
  // Some schemas want an address or a link; the first form that passes is taken.
  const forms = [text, `${text}@example.com`, `https://example.com/${text}`, `/${text}`, text.toUpperCase()]
  return forms.find((form) => form.length <= length && field.schema.safeParse(form).success) ?? text
}

/** A value in the form in which a query and a parameter take it. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function day(random: SeededRandom, year: number): string {
  return `${year}-${two(1 + random.below(12))}-${two(1 + random.below(28))}`
}

function clock(random: SeededRandom): string {
  return `${two(1 + random.below(22))}:${two(random.below(60))}:${two(random.below(60))}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
