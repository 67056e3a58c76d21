import { isGuarded, type EventRecord, type Feature, type GuardedRoute } from '@plinth/core'
import type { TestReply } from '@plinth/testing'
import { expect } from 'vitest'
import { allRows, openOffice, type Clerk, type Office } from './office.ts'
import { BUILT_IN_CEILING } from './staff-tables.ts'

/** Stands in every restricted field of every row. */
export const CANARY = 'zebra-canary'
export const CANARY_NUMBER = 987_654_321
const GROUP = '01941f29-7c00-7aaa-8bbb-0123456789ab'

/** Whatever a low role is told, whole: status, headers and body. */
export interface Told {
  readonly from: string
  readonly reply: TestReply
}

export interface Aviary {
  readonly office: Office
  /** Writes the canaries. */
  readonly head: Clerk
  /** Every right on rows, none on fields. */
  readonly low: Clerk
  /** The same, and every field of its own rows, of which there are none with a canary. */
  readonly own: Clerk
  readonly ids: Readonly<Record<string, string>>
  /** What listeners heard. */
  readonly events: readonly EventRecord[]
  /** Every route of the resources, asked by this clerk with ids and bodies that fit. */
  askEverything(who: Clerk, how: 'keeping' | 'deleting'): Promise<readonly Told[]>
  close(): Promise<void>
}

export async function openAviary(isolation: 'shared' | 'schema'): Promise<Aviary> {
  const events: EventRecord[] = []
  const listener: Feature = {
    name: 'test-listener',
    on: { '*': async (_context, event) => void events.push(event) },
  }
  const office = await openOffice({ isolation, features: [listener] })
  const head = office.clerk(['*'])
  const low = office.clerk(allRows, [GROUP])
  const fields = [
    ...['salary', 'note', 'grade', 'dossier', 'bossId'].map((key) => `employee.${key}`),
    'skill.cost',
    'contract.fee',
    'contractTemplate.fee',
    'band.ceiling',
  ]
  const own = office.clerk([...allRows, ...fields.flatMap((field) => [`${field}:read:own`, `${field}:read:group`])])
  const department = await office.make(head, 'departments', { name: 'all' })
  const boss = await office.make(head, 'employees', { name: 'boss' })
  const employee = await office.make(head, 'employees', {
    name: 'held',
    salary: CANARY_NUMBER,
    note: `${CANARY} note`,
    grade: `${CANARY}-grade`,
    dossier: { words: CANARY },
    badge: 'b',
    bossId: boss,
    departmentId: department,
  })
  const deleted = await office.make(head, 'employees', { name: 'gone', note: CANARY, salary: CANARY_NUMBER })
  await office.ask(head, 'DELETE', `employees/${deleted}`)
  const payslip = await office.make(head, 'payslips', { month: '2026-01', employeeId: employee })
  const skill = await office.make(head, 'skills', { name: 'sums', cost: CANARY_NUMBER })
  const employeeSkill = await office.make(head, 'employee-skills', { employeeId: employee, skillId: skill })
  const contractTemplate = await office.make(head, 'contract-templates', {
    name: 'base',
    fee: CANARY,
    defaults: { days: 5 },
  })
  const contract = await office.make(head, 'contracts', {
    name: 'held',
    fee: CANARY,
    templateId: contractTemplate,
    inheritance: 'pinned',
  })
  const band = await office.make(head, 'bands', { name: 'own', ceiling: CANARY })
  const ids = { department, employee, boss, deleted, payslip, skill, employeeSkill, contractTemplate, contract, band }
  return {
    office,
    head,
    low,
    own,
    ids,
    events,
    askEverything: (who, how) => askEverything(office, who, ids, how),
    close: () => office.close(),
  }
}

const plain: Readonly<Record<string, object>> = {
  department: { name: 'all' },
  employee: { name: 'held' },
  payslip: { month: '2026-02' },
  skill: { name: 'sums' },
  contractTemplate: { name: 'base' },
  contract: { name: 'held' },
  band: { name: 'own' },
}

/** What is asked of each route: nothing is left out because nobody thought of it, for the routes are those of the registry. */
async function askEverything(
  office: Office,
  who: Clerk,
  ids: Aviary['ids'],
  how: 'keeping' | 'deleting',
): Promise<readonly Told[]> {
  const told: Told[] = []
  const routes = office.platform.plinth.routes.filter(
    (route): route is GuardedRoute => isGuarded(route) && route.resource.origin === 'product',
  )
  const ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<void> => {
    told.push({ from: `${method} ${path}`, reply: await office.ask(who, method, path, body, headers) })
  }
  // What deletes comes last, or there would be nothing left to leak.
  const deletes = (route: GuardedRoute): number =>
    /delete|clear/.test(`${route.method} ${route.path}`.toLowerCase()) ? 1 : 0
  for (const route of [...routes].sort((left, right) => deletes(left) - deletes(right))) {
    if (how === 'keeping' && deletes(route) > 0) continue
    const { name } = route.resource
    const own = { ...plain[name] }
    const restoring = route.path.endsWith('/restore')
    const path = route.path
      .replace(':id', (restoring && name === 'employee' ? ids['deleted'] : ids[name]) ?? '')
      .replace(':key', 'usual')
    if (route.method === 'GET') {
      const keys = restrictedOf(route)
      const shown = [
        '',
        `fields=${keys.join()}`,
        'include=boss',
        'include=reports',
        ...includesOf(route).flatMap((include) => [`include=${include}`, `include=${include}&fields=id,${include}.id`]),
      ]
      const listed = [
        'format=csv',
        'format=ndjson',
        'count=exact',
        'search=e',
        `search=${CANARY}`,
        'sort=-name',
        ...keys.flatMap((key) => [
          `sort=${key}`,
          `sort=-${key}`,
          `fields=${key}`,
          `${key}=${CANARY}`,
          ...['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'].map((op) => `${key}[${op}]=${CANARY_NUMBER}`),
          `${key}[contains]=zebra`,
          `${key}[isNull]=false`,
        ]),
      ]
      // An alias is the route itself: once is enough to see that it is.
      const questions = route.unlisted ? [''] : route.path.includes(':') ? shown : [...shown, ...listed]
      await Promise.all(questions.map((question) => ask('GET', `${path}${question === '' ? '' : `?${question}`}`)))
      continue
    }
    if (route.path.endsWith('/bulk')) {
      const operations = [
        { op: 'create', data: own },
        { op: 'update', id: ids[name], data: own },
      ]
      await ask('POST', path, { operations })
      continue
    }
    const inputs = [
      { ...own, by: 1, id: ids[name], state: '0'.repeat(32) },
      // What nobody may guess by being refused: unique values, equal values, values of another type.
      ...restrictedOf(route).map((key) => ({
        ...own,
        [key]: key === 'grade' && how === 'deleting' ? `${CANARY}-grade` : 'x',
        id: ids[name],
      })),
    ]
    const query =
      route.path.endsWith('clear') || (route.method === 'DELETE' && !path.includes(ids[name]!))
        ? `?confirm=${route.resource.path}`
        : ''
    for (const [at, input] of inputs.entries()) {
      const key = { 'idempotency-key': `key-${told.length}-${at}` }
      const times = at === 0 ? 2 : 1
      for (let time = 0; time < times; time += 1)
        await ask(route.method, `${path}${query}`, route.body ? input : undefined, key)
    }
  }
  return told
}

function includesOf(route: GuardedRoute): readonly string[] {
  const words = route.query?.find((parameter) => parameter.name === 'include')?.description ?? ''
  return /comma-separated: ([^.]*)\./.exec(words)?.[1]?.split(', ') ?? []
}

function restrictedOf({ resource }: GuardedRoute): readonly string[] {
  return resource.fields.filter((field) => field.readRestricted).map((field) => field.key)
}

/** No word of the canaries in anything that was told; the test's own words, sent back in a refusal, aside. */
export function expectNoCanary(told: readonly Told[]): void {
  const leaks = told.filter(({ from, reply }) => {
    const asked = decodeURIComponent(from)
    const text = `${JSON.stringify(reply.headers)} ${reply.body}`
    const words = [CANARY, String(CANARY_NUMBER), BUILT_IN_CEILING].filter((word) => !asked.includes(word))
    return words.some((word) => text.includes(word)) || text.includes('"bossId":"')
  })
  expect(leaks.map(({ from, reply }) => `${from} -> ${reply.status} ${reply.body.slice(0, 300)}`)).toEqual([])
}
