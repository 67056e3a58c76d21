import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { ScopedSession } from '../../packages/postgres/src/session/scoped-session.ts'
import { openPlatform, type Answered, type OpenPlatform } from './open-platform.ts'
import { templateResources } from './templates-fixture.ts'

let platform: OpenPlatform
let call: OpenPlatform['call']
beforeAll(async () => {
  platform = await openPlatform(inject('postgresUrl'), templateResources)
  call = platform.call
})
afterAll(() => platform.close())

const api = '/api/v1'
const nobodys = '01941f29-7c00-7aaa-8bbb-0123456789ab'
const acme = (method: string, path: string, body?: unknown, headers = {}): Promise<Answered> =>
  call('acme', method, api + path, body, headers)
const made = async (path: string, body: object): Promise<string> => {
  const answer = await acme('POST', path, body)
  expect(answer.status, answer.text).toBe(201)
  return String(answer.json['id'])
}
const template = (defaults: object, more: object = {}): Promise<string> =>
  made('/probe-templates', { name: 'T', defaults, ...more })
const probe = (more: object): Promise<string> => made('/probes', { name: 'P', ...more })
const inherited = async (path: string): Promise<Record<string, unknown>> =>
  (await acme('GET', `${path}?fields=id&include=resolved`)).json['resolved'] as Record<string, unknown>
const resolved = (path: string): Promise<unknown> => inherited(path).then(({ value }) => value)

describe('inheriting', () => {
  test('several levels, the row last; arrays replace, null takes away, the schema fills the rest', async () => {
    const top = await template({ timeout: 30, headers: { a: '1', b: '1' }, expect: { words: ['x', 'y'] } })
    const middle = await template({ headers: { b: '2', c: '2' }, expect: { status: 204 } }, { parentTemplateId: top })
    const id = await probe({ templateId: middle, params: { headers: { a: null, d: '3' }, expect: { words: ['z'] } } })
    expect(await resolved(`/probes/${id}`)).toEqual({
      method: 'GET',
      timeout: 30,
      headers: { b: '2', c: '2', d: '3' },
      expect: { status: 204, words: ['z'] },
    })
    expect((await acme('GET', `/probes/${id}`)).json).toMatchObject({
      templateId: middle,
      inheritance: 'live',
      params: { headers: { a: null, d: '3' }, expect: { words: ['z'] } },
    })
    expect(await resolved(`/probe-templates/${middle}`)).toEqual({
      timeout: 30,
      headers: { a: '1', b: '2', c: '2' },
      expect: { words: ['x', 'y'], status: 204 },
    })
    expect((await acme('GET', `/probes/${id}/provenance`)).json).toEqual({
      id,
      levels: [
        { source: 'parent', template: top, version: '1' },
        { source: 'template', template: middle, version: '1' },
        { source: 'instance', template: null, version: '1' },
      ],
      values: {
        '/method': { value: 'GET', source: 'default', template: null },
        '/timeout': { value: 30, source: 'parent', template: top },
        '/headers/b': { value: '2', source: 'template', template: middle },
        '/headers/c': { value: '2', source: 'template', template: middle },
        '/headers/d': { value: '3', source: 'instance', template: null },
        '/expect/status': { value: 204, source: 'template', template: middle },
        '/expect/words': { value: ['z'], source: 'instance', template: null },
      },
      faults: [],
    })
  })

  test('live follows the templates; an override that is patched to null inherits again', async () => {
    const parent = await template({ timeout: 5 })
    const id = await probe({ templateId: parent, params: { timeout: 7 } })
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 7 })
    expect((await acme('PATCH', `/probes/${id}`, { params: { timeout: null } })).json).toMatchObject({ params: {} })
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 5 })
    await acme('PATCH', `/probe-templates/${parent}`, { defaults: { timeout: 9 } })
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 9 })
  })

  test('without a template the row stands alone', async () => {
    const id = await probe({})
    expect(await resolved(`/probes/${id}`)).toEqual({ method: 'GET', timeout: 10, expect: { status: 200 } })
    expect((await acme('GET', `/probes/${id}/params`)).json).toMatchObject({ timeout: 10 })
  })
})

describe('include=resolved', () => {
  test('of one row and of a page, also where the columns are not asked for', async () => {
    const from = await template({ timeout: 44 }, { sharedParent: 'web' })
    const live = await probe({ templateId: from, params: { interval: 60 } })
    const pinned = await probe({ templateId: from, inheritance: 'pinned', params: { timeout: 1 } })
    const value = {
      method: 'GET',
      timeout: 44,
      interval: 60,
      headers: { accept: 'text/html' },
      expect: { status: 200 },
    }
    const one = await acme('GET', `/probes/${live}?include=resolved`)
    expect(one.json).toMatchObject({ id: live, params: { interval: 60 }, resolved: { value, faults: [] } })
    expect(one.headers.get('etag')).toBeNull()
    const list = await acme('GET', `/probes?templateId=${from}&fields=name&include=resolved&sort=id`)
    expect(list.json['data']).toEqual([
      { name: 'P', resolved: { value, faults: [] } },
      { name: 'P', resolved: { value: expect.objectContaining({ timeout: 1 }), faults: [] } },
    ])
    expect((await acme('GET', `/probes/${pinned}?include=resolved,template`)).json).toMatchObject({
      template: { id: from },
      resolved: { value: { timeout: 1 } },
    })
    expect((await acme('GET', `/probe-templates/${from}?include=resolved`)).json).toMatchObject({
      resolved: { value: { timeout: 44, headers: { accept: 'text/html' } } },
    })
    const masked = await acme('GET', `/probes/${live}?include=resolved&fields=resolved.value`)
    expect(masked.json.errors).toMatchObject([{ path: '?fields', code: 'unknown_field' }])
  })

  test('a page of rows costs a statement for each generation, not for each row', async () => {
    let last = await template({ timeout: 1 })
    for (let level = 0; level < 3; level += 1) last = await template({}, { parentTemplateId: last })
    for (let row = 0; row < 20; row += 1) await probe({ templateId: last, params: { interval: 10 + row } })
    const spy = vi.spyOn(ScopedSession.prototype, 'list')
    const list = await acme('GET', `/probes?templateId=${last}&include=resolved`)
    expect((list.json['data'] as unknown[]).length).toBe(20)
    expect(spy).toHaveBeenCalledTimes(1 + 4)
    spy.mockRestore()
  })
})

describe('what is refused', () => {
  test.each([
    [{ params: { colour: 'red' } }, '/params/colour', 'unknown_field'],
    [{ params: { expect: { state: 1 } } }, '/params/expect/state', 'unknown_field'],
    [{ params: { timeout: 'long' } }, '/params/timeout', 'invalid_type'],
    [{ params: { timeout: 61 } }, '/params/timeout', 'too_big'],
    [{ params: { headers: { a: 1 } } }, '/params/headers/a', 'invalid_type'],
    [{ params: [] }, '/params', 'invalid_type'],
    [{ params: { headers: { a: 'x'.repeat(17_000) } } }, '/params', 'custom'],
    [{ sharedTemplate: 'none' }, '/sharedTemplate', 'reference_not_found'],
    [{ sharedTemplate: 'old' }, '/sharedTemplate', 'reference_not_found'],
    [{ inheritance: 'frozen' }, '/inheritance', 'invalid_value'],
  ])('%j at %s', async (body, path, code) => {
    const answer = await acme('POST', '/probes', { name: 'P', ...body })
    expect(answer.status, answer.text).toBe(400)
    expect(answer.json.errors).toEqual([{ path, code, message: expect.any(String) }])
    const id = await probe({})
    const patched = await acme('PATCH', `/probes/${id}`, body)
    expect(patched.status, patched.text).toBe(400)
    expect(patched.json.errors).toMatchObject([{ path, code }])
  })

  test('defaults pass the same schema', async () => {
    const answer = await acme('POST', '/probe-templates', { name: 'T', defaults: { timeout: 0, nope: 1 } })
    expect(answer.json.errors?.map(({ path }) => path)).toEqual(['/defaults/timeout', '/defaults/nope'])
  })

  test('what the levels together lack', async () => {
    const answer = await acme('POST', '/runs', { name: 'R', params: { retries: 1 } })
    expect(answer.json.errors).toEqual([{ path: '/params/command', code: 'required', message: 'Required' }])
    const base = await made('/job-templates', { name: 'J', defaults: { command: 'ls' } })
    const id = await made('/runs', { name: 'R', templateId: base, params: { retries: 1 } })
    expect(await resolved(`/runs/${id}`)).toEqual({ command: 'ls', retries: 1 })
    // The template is mended as its owner likes; the row says what it lacks, and nothing invents a value.
    await acme('PUT', `/job-templates/${base}`, { name: 'J' })
    expect(await inherited(`/runs/${id}`)).toMatchObject({
      value: { retries: 1 },
      faults: [{ path: '/command', code: 'required' }],
    })
  })

  test('a template of another tenant, a deleted one and none at all are told alike', async () => {
    const foreign = String((await call('beta', 'POST', `${api}/probe-templates`, { name: 'B' })).json['id'])
    const deleted = await template({})
    expect((await acme('DELETE', `/probe-templates/${deleted}`)).status).toBe(204)
    for (const [path, key] of [
      ['/probes', 'templateId'],
      ['/probe-templates', 'parentTemplateId'],
    ] as const) {
      const answers = await Promise.all(
        [foreign, deleted, nobodys].map((id) => acme('POST', path, { name: 'P', [key]: id })),
      )
      for (const answer of answers) {
        expect(answer.status).toBe(400)
        expect(answer.json.errors).toEqual([
          { path: `/${key}`, code: 'reference_not_found', message: 'There is no such row to refer to' },
        ])
      }
    }
    const clones = await Promise.all(
      [foreign, deleted, nobodys].map((id) => acme('POST', `/probe-templates/${id}/clone`, { name: 'P' })),
    )
    for (const answer of clones) expect([answer.status, answer.json['code']]).toEqual([404, 'not_found'])
  })

  test('both kinds of template at once; one lets the other go', async () => {
    const own = await template({})
    const both = await acme('POST', '/probes', { name: 'P', templateId: own, sharedTemplate: 'web' })
    expect(both.json.errors).toMatchObject([{ path: '/sharedTemplate', code: 'conflicting' }])
    const id = await probe({ sharedTemplate: 'web' })
    expect((await acme('PATCH', `/probes/${id}`, { templateId: own })).json).toMatchObject({
      templateId: own,
      sharedTemplate: null,
    })
  })

  test('a template in a circle, also through others, and more than sixteen of them', async () => {
    const a = await template({})
    const b = await template({}, { parentTemplateId: a })
    const c = await template({}, { parentTemplateId: b })
    for (const parentTemplateId of [a, b, c]) {
      const answer = await acme('PATCH', `/probe-templates/${a}`, { parentTemplateId })
      expect(answer.json.errors).toMatchObject([{ path: '/parentTemplateId', code: 'template_circle' }])
    }
    let last = await template({ timeout: 3 })
    const first = last
    for (let level = 1; level < 16; level += 1) last = await template({}, { parentTemplateId: last })
    expect(await resolved(`/probes/${await probe({ templateId: last })}`)).toMatchObject({ timeout: 3 })
    for (const answer of [
      await acme('POST', '/probe-templates', { name: 'T', parentTemplateId: last }),
      await acme('PATCH', `/probe-templates/${first}`, { parentTemplateId: a }),
      await acme('PATCH', `/probe-templates/${first}`, { sharedParent: 'web' }),
    ])
      expect(answer.json.errors).toMatchObject([{ code: 'too_deep' }])
  })
})

describe('clone', () => {
  test('201 with its own id and owner, the overrides on top', async () => {
    const from = await template({ timeout: 4, headers: { a: '1' } })
    const answer = await acme('POST', `/probe-templates/${from}/clone`, { name: 'C', params: { headers: { b: '2' } } })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`${api}/probes/${String(answer.json['id'])}`)
    expect(answer.json).toMatchObject({ templateId: from, params: { headers: { b: '2' } }, version: 1 })
    expect(answer.json['id']).not.toBe(from)
    expect(await resolved(`/probes/${String(answer.json['id'])}`)).toMatchObject({
      timeout: 4,
      headers: { a: '1', b: '2' },
    })
    const twice = await acme('POST', `/probes/${String(answer.json['id'])}/double`)
    expect((await acme('GET', `/probes/${String(twice.json['id'])}`)).json).toMatchObject({
      templateId: from,
      name: 'C again',
    })
  })

  test('bad overrides are refused before anything is stored', async () => {
    const from = await template({})
    const answer = await acme('POST', `/probe-templates/${from}/clone`, { name: 'C', params: { timeout: 0 } })
    expect(answer.json.errors).toMatchObject([{ path: '/params/timeout' }])
    expect((await acme('GET', `/probes?templateId=${from}`)).json['data']).toEqual([])
  })

  test('a reader may not', async () => {
    const from = await template({})
    const answer = await call('reader', 'POST', `${api}/probe-templates/${from}/clone`, { name: 'C' })
    expect([answer.status, answer.json['detail']]).toEqual([403, 'This needs the permission probe:create.'])
  })
})

describe('shared templates', () => {
  test('are listed and read alike by every tenant, and changed by nobody', async () => {
    const list = await acme('GET', '/shared-probe-templates')
    expect((await call('beta', 'GET', `${api}/shared-probe-templates`)).json).toEqual(list.json)
    expect(list.json['data']).toMatchObject([
      { key: 'web', shared: true, parent: null },
      {
        key: 'web-fast',
        parent: 'web',
        defaults: { timeout: 2 },
        resolved: { timeout: 2, headers: { accept: 'text/html' } },
      },
    ])
    expect((await acme('GET', '/shared-probe-templates/web')).json).toMatchObject({ key: 'web', shared: true })
    expect((await acme('GET', '/shared-probe-templates/old')).status).toBe(404)
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect((await acme(method, '/shared-probe-templates/web')).status).toBe(403)
    expect((await acme('DELETE', '/shared-probe-templates/none')).status).toBe(404)
  })

  test('serve as template and as parent', async () => {
    const clone = await acme('POST', '/shared-probe-templates/web-fast/clone', {
      name: 'C',
      params: { method: 'HEAD' },
    })
    expect(clone.status, clone.text).toBe(201)
    expect(await resolved(`/probes/${String(clone.json['id'])}`)).toMatchObject({
      method: 'HEAD',
      timeout: 2,
      headers: { accept: 'text/html' },
    })
    expect((await acme('POST', '/shared-probe-templates/none/clone', { name: 'C' })).status).toBe(404)
    const own = await template({ timeout: 6 }, { sharedParent: 'web' })
    const id = await probe({ templateId: own })
    const provenance = (await acme('GET', `/probes/${id}/provenance`)).json
    expect(provenance['values']).toMatchObject({
      '/timeout': { value: 6, source: 'template', template: own },
      '/headers/accept': { value: 'text/html', source: 'platform', template: 'web' },
    })
  })
})

describe('pinned', () => {
  test('keeps what the templates said, through edits and deletion; the pin is in no answer', async () => {
    const top = await template({ timeout: 30 })
    const from = await template({ headers: { a: '1' } }, { parentTemplateId: top })
    const id = await probe({ templateId: from, inheritance: 'pinned', params: { interval: 60 } })
    const before = await resolved(`/probes/${id}`)
    await acme('PATCH', `/probe-templates/${top}`, { defaults: { timeout: 1 } })
    expect(await resolved(`/probes/${id}`)).toEqual(before)
    expect(await resolved(`/probes/${await probe({ templateId: from })}`)).toMatchObject({ timeout: 1 })
    expect((await acme('GET', `/probes/${id}`)).text).not.toContain('pinnedLevels')
    const put = { ...(await acme('GET', `/probes/${id}`)).json, name: 'Renamed' }
    expect((await acme('PUT', `/probes/${id}`, put)).status).toBe(200)
    expect(await resolved(`/probes/${id}`)).toEqual(before)
    expect((await acme('PATCH', `/probes/${id}`, { params: { interval: 30 } })).status).toBe(200)
    expect(await resolved(`/probes/${id}`)).toEqual({ ...(before as object), interval: 30 })
    expect((await acme('PATCH', `/probes/${id}`, { inheritance: 'live' })).status).toBe(200)
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 1 })
  })

  test('the preview names each change, and only what it has shown is applied', async () => {
    const from = await template({ timeout: 30, headers: { a: '1', b: '1' } })
    const id = await probe({ templateId: from, inheritance: 'pinned', params: { headers: { b: 'own' } } })
    expect((await acme('GET', `/probes/${id}/resync`)).json).toMatchObject({ inheritance: 'pinned', changes: [] })
    await acme('PUT', `/probe-templates/${from}`, { name: 'T', defaults: { timeout: 20, headers: { b: '2', c: '3' } } })
    const preview = (await acme('GET', `/probes/${id}/resync`)).json
    expect(preview['changes']).toEqual([
      { path: '/headers/a', before: '1', source: null, template: null },
      { path: '/headers/c', after: '3', source: 'template', template: from },
      { path: '/timeout', before: 30, after: 20, source: 'template', template: from },
    ])
    await acme('PATCH', `/probe-templates/${from}`, { defaults: { timeout: 21 } })
    const late = await acme('POST', `/probes/${id}/resync`, { state: preview['state'] })
    expect([late.status, late.json['code']]).toEqual([412, 'version_mismatch'])
    const { state } = (await acme('GET', `/probes/${id}/resync`)).json
    expect((await call('reader', 'POST', `${api}/probes/${id}/resync`, { state })).status).toBe(403)
    const wrong = await acme('POST', `/probes/${id}/resync`, { state }, { 'if-match': '"9-abcdef"' })
    expect(wrong.status).toBe(412)
    const applied = await acme('POST', `/probes/${id}/resync`, { state })
    expect([applied.status, applied.json['version']]).toEqual([200, 2])
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 21, headers: { b: 'own', c: '3' } })
    expect((await acme('GET', `/probes/${id}/resync`)).json['changes']).toEqual([])
    expect((await acme('POST', `/probes/${id}/resync`, { state })).status).toBe(412)
  })

  test('a live row has nothing to bring up to date', async () => {
    const id = await probe({ sharedTemplate: 'web' })
    const { state, changes } = (await acme('GET', `/probes/${id}/resync`)).json
    expect(changes).toEqual([])
    expect((await acme('POST', `/probes/${id}/resync`, { state })).status).toBe(409)
  })

  test('a template goes when nothing inherits from it live; what is pinned stays as it was', async () => {
    const parent = await template({ timeout: 8 })
    const from = await template({}, { parentTemplateId: parent })
    const id = await probe({ templateId: from })
    for (const used of [parent, from])
      expect((await acme('DELETE', `/probe-templates/${used}`)).json['code']).toBe('still_referenced')
    await acme('PATCH', `/probes/${id}`, { inheritance: 'pinned' })
    for (const unused of [from, parent]) expect((await acme('DELETE', `/probe-templates/${unused}`)).status).toBe(204)
    expect(await resolved(`/probes/${id}`)).toMatchObject({ timeout: 8 })
    expect((await acme('PATCH', `/probes/${id}`, { params: { timeout: 9 } })).status).toBe(200)
    expect((await acme('GET', `/probes/${id}/resync`)).json).toMatchObject({ faults: [{ code: 'template_missing' }] })
    // Back to live there is nothing to inherit from.
    const live = await acme('PATCH', `/probes/${id}`, { inheritance: 'live' })
    expect([live.status, live.json['code']]).toEqual([409, 'params_unresolved'])
    // What was deleted comes back from the top down.
    const early = await acme('POST', `/probe-templates/${from}/restore`)
    expect([early.status, early.json['code']]).toEqual([409, 'parent_deleted'])
    for (const back of [parent, from]) expect((await acme('POST', `/probe-templates/${back}/restore`)).status).toBe(200)
    expect((await acme('PATCH', `/probes/${id}`, { inheritance: 'live' })).status).toBe(200)
    // Where templates are really deleted, the foreign key holds every one that is referred to.
    const hard = await made('/job-templates', { name: 'J', defaults: { command: 'ls' } })
    await made('/runs', { name: 'R', templateId: hard, inheritance: 'pinned' })
    expect((await acme('DELETE', `/job-templates/${hard}`)).json['code']).toBe('still_referenced')
  })
})

test('the document says whose permission a clone needs, and what may be overridden', async () => {
  const { paths } = (await call(undefined, 'GET', '/openapi.json')).json as unknown as {
    paths: Record<string, Record<string, { 'x-permission': string }>>
  }
  const clone = paths['/api/v1/probe-templates/{id}/clone']?.['post']
  expect(clone?.['x-permission']).toBe('probe:create')
  expect(JSON.stringify(paths['/api/v1/shared-probe-templates/{key}'])).not.toContain('refuse')
})

describe('at once', () => {
  test('a hundred changes that would close circles leave none', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => template({})))
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => {
        const [child, parent] = [ids[at % 10]!, ids[(at * 7 + 3 + Math.floor(at / 10)) % 10]!]
        return acme('PATCH', `/probe-templates/${child}`, { parentTemplateId: parent })
      }),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    for (const { status, json } of refused) expect([status, json.errors?.[0]?.code]).toEqual([400, 'template_circle'])
    const parents = new Map<string, string | null>()
    for (const id of ids)
      parents.set(id, (await acme('GET', `/probe-templates/${id}`)).json['parentTemplateId'] as string | null)
    for (const id of ids) {
      const seen = new Set<string>()
      for (let at: string | null = id; at !== null; at = parents.get(at) ?? null) {
        expect(seen.has(at)).toBe(false)
        seen.add(at)
      }
    }
  })

  test("two made each other's parent at once, fifty times: one of them wins", async () => {
    for (let round = 0; round < 50; round += 1) {
      const [a, b] = [await template({}), await template({})]
      const answers = await Promise.all([
        acme('PATCH', `/probe-templates/${a}`, { parentTemplateId: b }),
        acme('PATCH', `/probe-templates/${b}`, { parentTemplateId: a }),
      ])
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]))
    }
  })

  test('rows attach while their template is deleted, sixty times: none hangs on nothing', async () => {
    for (let round = 0; round < 60; round += 1) {
      const from = await template({ timeout: 5 })
      const attach = (): Promise<Answered> => acme('POST', '/probes', { name: 'P', templateId: from })
      const [deleted, ...attached] = await Promise.all([
        acme('DELETE', `/probe-templates/${from}`),
        ...Array.from({ length: 5 }, attach),
      ])
      const hung = attached.filter(({ status }) => status === 201).length
      for (const { status } of attached) expect([201, 400]).toContain(status)
      // One order or the other: what came first is what the rest met.
      expect(deleted.status).toBe(hung > 0 ? 409 : 204)
    }
  })

  test('a hundred times the same preview is applied once', async () => {
    const from = await template({ timeout: 5 })
    const id = await probe({ templateId: from, inheritance: 'pinned' })
    await acme('PATCH', `/probe-templates/${from}`, { defaults: { timeout: 6 } })
    const { state } = (await acme('GET', `/probes/${id}/resync`)).json
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => acme('POST', `/probes/${id}/resync`, { state })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(99)
    expect((await acme('GET', `/probes/${id}`)).json['version']).toBe(2)
  })
})
