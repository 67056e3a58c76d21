import { afterAll, beforeAll, expect, test } from 'vitest'
import { CANARY, CANARY_NUMBER, expectNoCanary, openAviary, type Aviary, type Told } from './canary.ts'
import { outcome, rowOf } from './office.ts'

/** A restricted field's canary reaches a low role by no channel. Run in either isolation mode. */
export function canaryCases(isolation: 'shared' | 'schema'): void {
  let aviary: Aviary
  beforeAll(async () => {
    aviary = await openAviary(isolation)
  }, 60_000)
  afterAll(() => aviary.close())

  test('every answer that holds a canary for the high role holds none for the others', async () => {
    const { office, head, low, own, ids } = aviary
    // The test's own test: the high role is shown the canaries, by most of the ways in which rows are shown.
    const shown: string[] = []
    for (const path of [
      `employees/${ids['employee']!}`,
      'employees',
      'employees?format=csv',
      'employees?format=ndjson',
      `payslips/${ids['payslip']!}?include=employee`,
      `departments/${ids['department']!}?include=employees`,
      'employees?include=boss,reports,skills',
      `skills?include=employees`,
      'contracts',
      'contract-templates?include=contracts',
      'bands',
      `employees/${ids['employee']!}/look`,
    ]) {
      const { body } = await office.ask(head, 'GET', path)
      if (body.includes(CANARY) || body.includes(String(CANARY_NUMBER))) shown.push(path)
      const told: Told[] = []
      for (const who of [low, own]) told.push({ from: path, reply: await office.ask(who, 'GET', path) })
      expectNoCanary(told)
      expect(told.map(({ reply }) => reply.status)).toEqual(path.includes('boss') ? [400, 400] : [200, 200])
    }
    expect(shown).toHaveLength(12)
  })

  test('an answer kept for the high role is given to no other, nor to itself with fewer rights', async () => {
    const { office, head, low, ids } = aviary
    const high = office.clerk(['*'])
    const key = { 'idempotency-key': 'the-same-key' }
    const path = `employees/${ids['employee']!}`
    const first = await office.ask(high, 'PATCH', path, { name: 'held' }, key)
    expect(first.body).toContain(CANARY)
    expectNoCanary([{ from: path, reply: await office.ask(low, 'PATCH', path, { name: 'held' }, key) }])
    expect((await office.ask(high, 'PATCH', path, { name: 'held' }, key)).headers['idempotency-replayed']).toBe('true')
    high.permissions = low.permissions
    const again = await office.ask(high, 'PATCH', path, { name: 'held' }, key)
    expect(outcome(again)).toBe('409 answer_not_repeatable')
    expectNoCanary([{ from: path, reply: again }])
    expect(rowOf(await office.ask(head, 'GET', path))['name']).toBe('held')
  })

  test('code in his name reads none either, whatever answers with it', async () => {
    const { office, low, own, ids } = aviary
    for (const who of [low, own]) {
      const reply = await office.ask(who, 'POST', `employees/${ids['boss']!}/gossip`)
      expect(rowOf(reply)['heard']).toContain('held')
      expectNoCanary([{ from: 'gossip', reply }])
    }
  })

  test('no route of any resource tells, however it is asked', async () => {
    const { low, own } = aviary
    const told = [...(await aviary.askEverything(own, 'keeping')), ...(await aviary.askEverything(low, 'deleting'))]
    expect(told.length).toBeGreaterThan(700)
    // Enough of them do something: refusals alone would prove nothing.
    expect(told.filter(({ reply }) => reply.status < 300).length).toBeGreaterThan(200)
    expect(told.filter(({ reply }) => reply.status >= 500).map(({ from }) => from)).toEqual([])
    expectNoCanary(told)
  }, 120_000)

  test('records and events hold none', async () => {
    const { office, events, ids } = aviary
    await expect.poll(() => events.some((event) => event.key === `employee:${ids['employee']!}`)).toBe(true)
    const kept = await office.platform.superuser.query(
      `select to_jsonb(j)::text as t from plinth.test_journal j union all select data::text from plinth.events`,
    )
    expect(kept.length).toBeGreaterThan(20)
    for (const text of [JSON.stringify(kept), JSON.stringify(events), JSON.stringify(office.platform.log.lines)]) {
      expect(text.includes(CANARY)).toBe(false)
      expect(text.includes(String(CANARY_NUMBER))).toBe(false)
    }
  })
}
