import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dataOf, faultsOf, idOf, openHouse, outcome, type House, type Person } from './people.ts'

const REFUSED = '403 permission_denied'

describe.each(['postgres', 'pglite'] as const)('the ACL on %s', (kind) => {
  let house: House
  let owner: Person
  let admin: Person
  let reader: Person
  const folder = async (who: Person, name: string): Promise<string> =>
    idOf(await house.ask(who, 'POST', 'folders', { name }))
  const say = (
    who: Person,
    effect: 'allow' | 'deny',
    resource: string,
    principal: { kind: string; id: string },
    recordId?: string,
  ) => house.ask(who, 'POST', 'acl', { resource, principal, effect, ...(recordId !== undefined && { recordId }) })
  const as = (person: Person) => ({ kind: 'user', id: person.id })
  const names = async (who: Person): Promise<readonly string[]> =>
    dataOf(await house.ask(who, 'GET', 'folders?pageSize=100&sort=name')).map((row) => String(row['name']))

  beforeAll(async () => {
    house = await openHouse({ kind })
    owner = await house.member('olga', ['owner'])
    admin = await house.member('adam', ['admin'])
    reader = await house.member('rita', ['read_only'])
    await house.ask(admin, 'POST', 'roles', { name: 'sharer', permissions: ['folder:*:own', 'aclEntry:read:own'] })
  }, 60_000)
  afterAll(() => house.close())

  test('the catalog is as declared', async () => {
    const findings = await house.platform.plinth.inspect()
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(findings.filter(({ path }) => /acl/.test(path))).toEqual([])
  })

  test('one row is allowed: it may be changed and no other; taken back, none', async () => {
    const [one, other] = [await folder(admin, 'allowed one'), await folder(admin, 'not allowed')]
    expect(outcome(await house.ask(reader, 'PATCH', `folders/${one}`, { name: 'x' }))).toBe(REFUSED)
    const made = await say(admin, 'allow', 'Folder.update', as(reader), one)
    expect(made.status, made.body).toBe(201)
    expect(made.json).toMatchObject({
      model: 'folder',
      action: 'update',
      recordId: one,
      subjectKind: 'user',
      subjectId: reader.id,
      effect: 'allow',
      ownerUserId: admin.id,
    })
    expect(made.headers['location']).toBe(`/api/v1/acl/${idOf(made)}`)
    expect((await house.ask(reader, 'PATCH', `folders/${one}`, { name: 'changed' })).status).toBe(200)
    expect(outcome(await house.ask(reader, 'PATCH', `folders/${other}`, { name: 'x' }))).toBe(REFUSED)
    expect(outcome(await house.ask(reader, 'DELETE', `folders/${one}`))).toBe(REFUSED)
    expect(outcome(await say(admin, 'allow', 'folder:update', as(reader), one))).toBe('409 already_exists')
    expect((await house.ask(admin, 'DELETE', `acl/${idOf(made)}`)).status).toBe(204)
    expect(outcome(await house.ask(reader, 'PATCH', `folders/${one}`, { name: 'x' }))).toBe(REFUSED)
  })

  test('a denied row is not there: in lists, in counts, by its id, as a parent', async () => {
    const [one, other] = [await folder(admin, 'denied'), await folder(admin, 'beside it')]
    const made = await say(admin, 'deny', 'Folder.read', { kind: 'role', id: 'read_only' }, one)
    expect(made.status, made.body).toBe(201)
    const seen = await names(reader)
    expect(seen).toContain('beside it')
    expect(seen).not.toContain('denied')
    expect(outcome(await house.ask(reader, 'GET', `folders/${one}`))).toBe('404 not_found')
    expect((await house.ask(reader, 'GET', `folders/${other}`)).status).toBe(200)
    const counted = await house.ask(reader, 'GET', 'folders?count=exact&name=denied')
    expect(counted.json).toMatchObject({ page: { total: 0 } })
    expect(await names(admin)).toContain('denied')
    expect((await house.ask(admin, 'DELETE', `acl/${idOf(made)}`)).status).toBe(204)
    expect(await names(reader)).toContain('denied')
  })

  test('a denial wins over roles and over an allowance, and an owner is above it', async () => {
    const one = await folder(admin, 'fought over')
    for (const effect of ['allow', 'deny'] as const)
      expect((await say(owner, effect, 'Folder.update', as(admin), one)).status).toBe(201)
    expect(outcome(await house.ask(admin, 'PATCH', `folders/${one}`, { name: 'x' }))).toBe(REFUSED)
    expect((await say(owner, 'deny', 'Folder.*', as(owner), one)).status).toBe(201)
    expect((await house.ask(owner, 'PATCH', `folders/${one}`, { name: 'by olga' })).status).toBe(200)
    expect((await say(owner, 'deny', 'Folder.update', as(owner))).status).toBe(201)
    expect((await house.ask(owner, 'PATCH', `folders/${one}`, { name: 'by olga again' })).status).toBe(200)
  })

  test('whom a denial of reading hits cannot take it back, also of a row that is softly deleted', async () => {
    const one = await folder(admin, 'kept from adam')
    const made = await say(owner, 'deny', 'Folder.read', as(admin), one)
    expect(made.status, made.body).toBe(201)
    expect(outcome(await house.ask(admin, 'GET', `folders/${one}`))).toBe('404 not_found')
    expect(outcome(await house.ask(admin, 'DELETE', `acl/${idOf(made)}`))).toBe(REFUSED)
    expect(outcome(await house.ask(admin, 'GET', `folders/${one}`))).toBe('404 not_found')
    expect((await house.ask(owner, 'DELETE', `acl/${idOf(made)}`)).status).toBe(204)
    expect((await house.ask(admin, 'GET', `folders/${one}`)).status).toBe(200)
  })

  test('nobody denies anything to those who may do more than he', async () => {
    await house.ask(admin, 'POST', 'roles', { name: 'small', permissions: ['folder:read', 'folder:share'] })
    const small = await house.member('sam', ['small'])
    const key = house.key(owner, ['owner'])
    for (const principal of [{ kind: 'role', id: 'admin' }, { kind: 'role', id: 'owner' }, as(admin), as(owner)])
      expect(outcome(await say(small, 'deny', 'Folder.*', principal)), principal.id).toBe(REFUSED)
    const own = await say(small, 'deny', 'Folder.read', { kind: 'role', id: 'small' })
    expect(own.status, own.body).toBe(201)
    expect((await house.ask(admin, 'GET', 'folders')).status).toBe(200)
    expect((await house.ask(key, 'DELETE', `acl/${idOf(own)}`)).status).toBe(204)
  })

  test('an entry about one assignment leaves the others as they are', async () => {
    const other = await house.member('otis', ['read_only'])
    const [row, kept] = await Promise.all(
      [other, reader].map(async (who) => dataOf(await house.ask(admin, 'GET', `user-roles?userId=${who.id}`))[0]!),
    )
    const made = await say(owner, 'deny', 'UserRole.delete', as(admin), String(kept!['id']))
    expect(made.status, made.body).toBe(201)
    expect(outcome(await house.ask(admin, 'DELETE', `user-roles/${String(kept!['id'])}`))).toBe(REFUSED)
    expect((await house.ask(admin, 'DELETE', `user-roles/${String(row!['id'])}`)).status).toBe(204)
    expect((await house.ask(owner, 'DELETE', `acl/${idOf(made)}`)).status).toBe(204)
  })

  test('entries for every row: allowed without a role, denied with every role', async () => {
    const nobody = await house.member('nora', [])
    expect(outcome(await house.ask(nobody, 'GET', 'vaults'))).toBe(REFUSED)
    expect((await say(admin, 'allow', 'vault:read', as(nobody))).status).toBe(201)
    expect((await house.ask(nobody, 'GET', 'vaults')).status).toBe(200)
    expect((await say(admin, 'deny', 'Vault.*', as(nobody))).status).toBe(201)
    expect(outcome(await house.ask(nobody, 'GET', 'vaults'))).toBe(REFUSED)
  })

  test('who may not read at all is not shown, by the answer to a change, what reading is denied', async () => {
    await house.ask(admin, 'POST', 'roles', { name: 'blind', permissions: ['folder:update'] })
    const blind = await house.member('bob', ['blind'])
    const one = await folder(admin, 'unseen')
    expect((await house.ask(blind, 'PATCH', `folders/${one}`, {})).status).toBe(200)
    const made = await say(admin, 'deny', 'Folder.read', as(blind), one)
    expect(outcome(await house.ask(blind, 'PATCH', `folders/${one}`, {}))).toBe('404 not_found')
    await house.ask(admin, 'DELETE', `acl/${idOf(made)}`)
    await say(admin, 'deny', 'Folder.read', as(blind))
    expect(outcome(await house.ask(blind, 'PATCH', `folders/${one}`, {}))).toBe('404 not_found')
  })

  test('an action of the product, under the lock of the row', async () => {
    const crate = await house.ask(admin, 'POST', 'crates', { title: 'c', label: `l${kind}`, pieces: 1 })
    expect(crate.status, crate.body).toBe(201)
    const id = idOf(crate)
    expect(outcome(await house.ask(reader, 'POST', `crates/${id}/seal`))).toBe(REFUSED)
    const made = await say(admin, 'allow', 'Crate.seal', { kind: 'role', id: 'read_only' }, id)
    expect(made.status, made.body).toBe(201)
    expect((await house.ask(reader, 'POST', `crates/${id}/seal`)).status).toBe(200)
    expect((await say(admin, 'deny', 'Crate.seal', as(reader), id)).status).toBe(201)
    expect(outcome(await house.ask(reader, 'POST', `crates/${id}/seal`))).toBe(REFUSED)
  })

  test('who shares his own rows shares them, gives no more than he has, and no other row', async () => {
    const [sam, eve] = [await house.member('sam', ['sharer']), await house.member('eve', [])]
    const [own, foreign] = [await folder(sam, 'of sam'), await folder(admin, 'of adam')]
    expect(outcome(await house.ask(eve, 'GET', `folders/${own}`))).toBe(REFUSED)
    expect((await say(sam, 'allow', 'Folder.read', as(eve), own)).status).toBe(201)
    expect((await house.ask(eve, 'GET', `folders/${own}`)).status).toBe(200)
    expect(outcome(await house.ask(eve, 'GET', `folders/${foreign}`))).toBe('404 not_found')
    expect(await names(eve)).toEqual(['of sam'])
    expect(faultsOf(await say(sam, 'allow', 'Folder.read', as(eve), foreign))).toEqual([
      '/recordId reference_not_found',
    ])
    expect(outcome(await say(sam, 'allow', 'Folder.read', as(eve)))).toBe(REFUSED)
    expect(outcome(await say(sam, 'deny', 'Folder.read', as(admin)))).toBe(REFUSED)
    expect(outcome(await say(sam, 'allow', 'Vault.read', as(eve)))).toBe(REFUSED)
    expect(outcome(await say(eve, 'allow', 'Folder.read', as(eve), own))).toBe(REFUSED)
    // Who may share and not change does not let another one change.
    expect((await say(admin, 'deny', 'Folder.update', as(sam), own)).status).toBe(201)
    expect(outcome(await say(sam, 'allow', 'Folder.update', as(eve), own))).toBe(REFUSED)
    expect(outcome(await say(sam, 'allow', 'Folder.*', as(eve), own))).toBe(REFUSED)
    const denials = dataOf(await house.ask(admin, 'GET', `acl?subjectId=${sam.id}&effect=deny`))
    expect(denials).toHaveLength(1)
    expect(outcome(await house.ask(sam, 'DELETE', `acl/${String(denials[0]!['id'])}`))).toBe(REFUSED)
    // He sees what he said himself, and takes it back.
    const his = dataOf(await house.ask(sam, 'GET', 'acl'))
    expect(his.map((row) => row['subjectId'])).toEqual([eve.id])
    expect((await house.ask(sam, 'DELETE', `acl/${String(his[0]!['id'])}`)).status).toBe(204)
    expect(outcome(await house.ask(eve, 'GET', `folders/${own}`))).toBe(REFUSED)
  })

  test('what there is not is told, with what may have been meant', async () => {
    const one = await folder(admin, 'known')
    const faults = async (resource: string, principal: object, recordId?: string): Promise<readonly string[]> =>
      faultsOf(await house.ask(admin, 'POST', 'acl', { resource, principal, effect: 'allow', recordId }))
    const him = as(reader)
    expect(await faults('Foldr.read', him)).toEqual(['/resource unknown_model'])
    expect(await faults('Folder.raed', him)).toEqual(['/resource unknown_action'])
    expect(await faults('folder:read:own', him)).toEqual(['/resource invalid_value'])
    expect(await faults('*.read', him)).toEqual(['/resource unknown_model'])
    expect(await faults('Folder.read', him, '0193a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b')).toEqual([
      '/recordId reference_not_found',
    ])
    expect(await faults('Folder.read', him, 'nothing')).toEqual(['/recordId reference_not_found'])
    expect(await faults('Folder.create', him, one)).toEqual(['/recordId not_applicable'])
    expect(await faults('Folder.read', { kind: 'role', id: 'read_onli' })).toEqual(['/principal/id unknown_role'])
    const stranger = await house.stranger('stan')
    for (const principal of [
      as(stranger),
      { kind: 'group', id: one },
      { kind: 'service', id: 'ci' },
      { kind: 'apiKey', id: one },
    ])
      expect(await faults('Folder.read', principal, one), JSON.stringify(principal)).toEqual([
        '/principal/id unknown_subject',
      ])
    const reply = await house.ask(admin, 'POST', 'acl', { resource: 'Folder.raed', principal: him, effect: 'allow' })
    expect(reply.body).toContain('nearest: read')
  })

  test('rows, members and roles that go take their entries with them', async () => {
    const gone = await house.member('greg', [])
    const role = await house.ask(admin, 'POST', 'roles', { name: 'passing', permissions: [] })
    const [one, other] = [await folder(admin, 'going'), await folder(admin, 'staying')]
    await say(admin, 'allow', 'Folder.read', as(reader), one)
    await say(admin, 'allow', 'Folder.read', as(gone), other)
    await say(admin, 'allow', 'Folder.read', { kind: 'role', id: 'passing' }, other)
    const about = async (query: string): Promise<number> => dataOf(await house.ask(admin, 'GET', `acl?${query}`)).length
    expect([await about(`recordId=${one}`), await about(`recordId=${other}`)]).toEqual([1, 2])
    expect((await house.ask(admin, 'DELETE', `folders/${one}`)).status).toBe(204)
    expect((await house.ask(admin, 'DELETE', `roles/${idOf(role)}`)).status).toBe(204)
    await house.platform.superuser.query('delete from plinth.users where id = $1::uuid', [gone.id])
    expect(dataOf(await house.ask(admin, 'GET', `acl?recordId=${other}`))).toEqual([])
    expect(await about(`recordId=${one}`)).toBe(0)
  })

  test('a key may do what it and its holder both may', async () => {
    const holder = await house.member('hana', ['developer'])
    const key = house.key(holder, ['developer'])
    const [one, other] = [await folder(holder, 'for the key'), await folder(holder, 'not for the key')]
    expect((await house.ask(key, 'PATCH', `folders/${one}`, { name: 'for the key' })).status).toBe(200)
    await house.platform.superuser.query(
      `insert into plinth.acl_entries (tenant_id, id, model, action, record_id, subject_kind, subject_id, effect)
       values ($1::uuid, gen_random_uuid(), 'folder', '*', $2, 'apiKey', $3, 'deny')`,
      [house.platform.a.id, other, key.token],
    )
    house.platform.database.forget()
    expect(outcome(await house.ask(key, 'PATCH', `folders/${other}`, { name: 'x' }))).toBe('404 not_found')
    expect((await house.ask(holder, 'PATCH', `folders/${other}`, { name: 'not for the key' })).status).toBe(200)
    expect((await say(admin, 'deny', 'Folder.update', as(holder), one)).status).toBe(201)
    expect(outcome(await house.ask(key, 'PATCH', `folders/${one}`, { name: 'x' }))).toBe(REFUSED)
  })

  test('an entry of one tenant says nothing in another', async () => {
    const mine = await folder(admin, 'only here')
    const other = await house.member('bea', ['read_only'], 'b')
    expect(faultsOf(await say(admin, 'allow', 'Folder.update', as(other), mine))).toEqual([
      '/principal/id unknown_subject',
    ])
    await say(admin, 'deny', 'Folder.read', { kind: 'role', id: 'read_only' })
    expect(outcome(await house.ask(reader, 'GET', 'folders'))).toBe(REFUSED)
    expect((await house.ask(other, 'GET', 'folders')).status).toBe(200)
    const chief = await house.member('bert', ['admin'], 'b')
    expect(dataOf(await house.ask(chief, 'GET', 'acl'))).toEqual([])
  })
})
