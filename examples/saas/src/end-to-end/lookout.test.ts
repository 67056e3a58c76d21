import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asker, signIn, signUp, type ApiAnswer, type Ask, type Person } from './api.ts'
import { dataFolder, failingProcess, removeFolders, startProcess, type LookoutProcess } from './lookout-process.ts'
import { places, type Place } from './places.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })
afterAll(removeFolders)

describe.each(places)('Lookout on $name', ({ name, make }) => {
  const dataDir = dataFolder()
  const running = new Set<LookoutProcess>()
  let place: Place
  let lookout: LookoutProcess
  let owners: { readonly acme: Person; readonly beta: Person }
  let acme: Ask
  let beta: Ask
  let siteId = ''

  const start = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    lookout = await startProcess({ DATA_DIR: dataDir, ...place.env, ...more })
    running.add(lookout)
  }
  const enter = (people: typeof owners): void => {
    owners = people
    acme = people.acme.ask
    beta = people.beta.ask
  }
  const stop = (): Promise<number | null> => {
    running.delete(lookout)
    return lookout.stop()
  }
  const monitor = async (draft: object): Promise<string> => {
    const made = await acme('POST', '/monitors', { siteId, name: 'Page', ...draft })
    expect(made).toMatchObject({ status: 201 })
    return String(made.body['id'])
  }

  beforeAll(async () => {
    place = await make()
    await start()
    const { origin } = lookout
    const agency = (name: string): Promise<Person> =>
      signUp(origin, {
        email: `owner@${name.toLowerCase()}.example`,
        password: 'kestrel over seven quays',
        organizationName: name,
      })
    enter({ acme: await agency('Acme'), beta: await agency('Beta') })
    const site = await acme('POST', '/sites', { name: 'Demo client', url: `${origin}/demo` })
    siteId = String(site.body['id'])
  })
  afterAll(async () => {
    for (const each of running) await each.stop()
    await place.remove()
  })

  test('greets with commands that work as they stand', async () => {
    const { stdout } = lookout.said
    expect(stdout).toContain('Lookout is up.')
    expect(stdout.includes('Making the embedded database')).toBe(name !== 'PostgreSQL')
    const said = spawnSync('sh', ['-euc', stdout.slice(stdout.indexOf('TOKEN='))], shell)
    expect(said.stderr).toBe('')
    const site = JSON.parse(said.stdout) as Record<string, unknown>
    expect(site).toMatchObject({ name: 'Demo client', url: `${lookout.origin}/demo`, version: 1 })
    const [admin, demo] = await Promise.all(
      ['admin', 'demo'].map(async (username) => {
        const login = await asker(lookout.origin, '')('POST', '/auth/login', { username, password: `${username}123` })
        return asker(lookout.origin, String(login.body['access_token']))
      }),
    )
    expect(await admin!('GET', `/sites/${String(site['id'])}`)).toMatchObject({ status: 200, body: site })
    // A `user` sees what is his own.
    expect(await demo!('GET', `/sites/${String(site['id'])}`)).toMatchObject({ status: 404 })
    expect(await acme('GET', `/sites/${String(site['id'])}`)).toMatchObject({ status: 404 })
  })

  test('does what the README says', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
    const [, , agency = '', agent = ''] = readme.split('```sh\n').map((text) => text.slice(0, text.indexOf('```')))
    const script = `${agency}echo; echo ---\n${agent}`.replaceAll('http://127.0.0.1:8000', lookout.origin)
    const said = spawnSync('sh', ['-euc', script], shell)
    expect(said.stderr).toBe('')
    const [checked = '', worked = ''] = said.stdout.split('---\n')
    expect(JSON.parse(checked)).toMatchObject({ name: 'Status page', lastStatus: 'up' })
    expect(worked).toMatch(/^\{"status":"busy","waiting":1,/)
    // Listed, cancelled, run now, and as often as it is seen to change.
    expect(worked.match(/"type":"webhook.test"/g)).toHaveLength(2)
    expect(worked.match(/"type":"report.build"/g)!.length).toBeGreaterThanOrEqual(4)
    for (const status of ['scheduled', 'cancelled', 'waiting', 'completed'])
      expect(worked).toContain(`"status":"${status}"`)
  })

  test('keeps the log out of the greeting', () => {
    expect(lookout.said.stdout).not.toContain('request_completed')
    expect(lookout.said.stderr).toContain('request_completed')
    expect(lookout.said.stdout).not.toMatch(/postgres:\/\//)
  })

  test('finds a page up, and one that is broken down', async () => {
    const front = await acme('POST', `/monitors/${await monitor({ path: '/' })}/check`)
    expect(front.body).toMatchObject({ lastStatus: 'up', lastError: null })
    const up = await acme('POST', `/monitors/${await monitor({ path: '/status-page' })}/check`)
    expect(up).toMatchObject({
      status: 200,
      body: {
        lastStatus: 'up',
        lastError: null,
        lastResponseMs: expect.any(Number),
        lastCheckedAt: expect.stringMatching(/Z$/),
        version: 2,
      },
    })
    const down = await acme('POST', `/monitors/${await monitor({ path: '/broken' })}/check`)
    expect(down.body).toMatchObject({ lastStatus: 'down', lastError: 'The server answered 503; 200 was expected' })
    expect((await acme('GET', '/monitors?lastStatus=down')).body['data']).toEqual([down.body])
    const meant = await acme(
      'POST',
      `/monitors/${await monitor({ path: '/broken', params: { expectedStatus: 503, method: 'HEAD' } })}/check`,
    )
    expect(meant.body).toMatchObject({ lastStatus: 'up' })
  })

  test('shows a site with its monitors, a monitor with its site, and all monitors as a table', async () => {
    const site = await acme('GET', `/sites/${siteId}?include=monitors&fields=name,monitors.siteId`)
    const { data } = site.body['monitors'] as { data: readonly Record<string, unknown>[] }
    expect(data.length).toBeGreaterThan(1)
    expect(new Set(data.map((row) => row['siteId']))).toEqual(new Set([siteId]))
    const list = await acme('GET', '/monitors?include=site&pageSize=1')
    expect(list.body['data']).toEqual([expect.objectContaining({ site: expect.objectContaining({ id: siteId }) })])
    expect((await beta('GET', `/sites/${siteId}?include=monitors`)).status).toBe(404)
    const table = await fetch(`${lookout.origin}/api/v1/monitors?fields=name,lastStatus`, {
      headers: { authorization: `Bearer ${owners.acme.token}`, accept: 'text/csv' },
    })
    expect(table.headers.get('content-type')).toMatch(/^text\/csv/)
    expect(table.headers.get('content-disposition')).toContain('monitors.csv')
    expect((await table.text()).split('\r\n')).toEqual(
      expect.arrayContaining(['name,lastStatus', 'Page,up', 'Page,down']),
    )
  })

  test('takes results from its own checks alone', async () => {
    const made = await acme('POST', '/monitors', { siteId, name: 'Liar', lastStatus: 'up', lastResponseMs: 1 })
    expect(made.body).toMatchObject({ lastStatus: null, lastResponseMs: null })
    const one = `/monitors/${String(made.body['id'])}`
    expect(await acme('PATCH', one, { lastStatus: 'up', lastError: 'none' })).toMatchObject({
      status: 200,
      body: made.body,
    })
    const put = await acme('PUT', one, { ...made.body, lastStatus: 'up' })
    expect(put.body).toMatchObject({ lastStatus: null, version: 2 })
  })

  test.each([
    ['/sites', { name: 'Files', url: 'ftp://client.example' }, '/url'],
    ['/sites', { name: 'Login', url: 'https://me:secret@client.example' }, '/url'],
    ['/sites', { name: ' ', url: 'https://client.example' }, '/name'],
    ['/sites', { url: 'https://client.example' }, '/name'],
    ['/monitors', { name: 'Outside', path: '@elsewhere.example/' }, '/path'],
    ['/monitors', { name: 'Odd', params: { expectedStatus: 99 } }, '/params/expectedStatus'],
    ['/monitors', { name: 'Odd', params: { method: 'DELETE' } }, '/params/method'],
    ['/monitors', { name: 'Odd', params: { headers: { authorization: 'Bearer x' } } }, '/params/headers/authorization'],
  ])('refuses %s %j and says where', async (path, draft, pointer) => {
    const refused = await acme('POST', path, path === '/sites' ? draft : { siteId, ...draft })
    expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path: pointer }] } })
  })

  test('checks as the templates of agency and client say, and where the environment is', async () => {
    const template = async (draft: object): Promise<string> => {
      const made = await acme('POST', '/monitor-templates', draft)
      expect(made).toMatchObject({ status: 201 })
      return String(made.body['id'])
    }
    const agency = await template({ name: 'Agency', sharedParent: 'page', defaults: { timeoutSeconds: 5 } })
    const client = await template({
      name: 'Bakery',
      parentTemplateId: agency,
      defaults: { expectedStatus: 503, headers: { 'accept-language': 'de' } },
    })
    const place = await acme('POST', '/environments', {
      siteId,
      name: 'Staging',
      stage: 'staging',
      url: `${lookout.origin}/demo`,
      params: { patience: 2 },
    })
    const cloned = await acme('POST', `/monitor-templates/${client}/clone`, {
      siteId,
      environmentId: place.body['id'],
      name: 'Known to be broken',
      path: '/broken',
      params: { intervalSeconds: 60 },
    })
    expect(cloned).toMatchObject({ status: 201, body: { templateId: client, inheritance: 'live' } })
    const one = `/monitors/${String(cloned.body['id'])}`
    const checked = (await acme('POST', `${one}/check`)).body
    expect(checked).toMatchObject({ lastStatus: 'up', lastError: null })
    const [at, next] = [Date.parse(String(checked['lastCheckedAt'])), Date.parse(String(checked['nextCheckAt']))]
    expect(next - at).toBe(60_000)
    expect((await acme('GET', `${one}/provenance`)).body['values']).toMatchObject({
      '/expectedStatus': { value: 503, source: 'template', template: client },
      '/timeoutSeconds': { value: 5, source: 'parent', template: agency },
      '/intervalSeconds': { value: 60, source: 'instance', template: null },
    })
    expect(await acme('PATCH', `/monitor-templates/${client}`, { defaults: { expectedStatus: 200 } })).toMatchObject({
      status: 200,
    })
    expect((await acme('POST', `${one}/check`)).body).toMatchObject({ lastStatus: 'down' })
    expect((await beta('GET', '/monitor-templates')).body['data']).toEqual([])
    expect((await beta('POST', `/monitor-templates/${client}/clone`, { siteId, name: 'Mine' })).status).toBe(404)
    expect((await beta('GET', '/shared-monitor-templates')).body['data']).toMatchObject([
      { key: 'api' },
      { key: 'page' },
      { key: 'redirect' },
    ])
  })

  describe('an agent', () => {
    const make = async (draft: object = {}): Promise<string> => {
      const made = await acme('POST', '/agents', { name: 'Watcher', ...draft })
      expect(made).toMatchObject({ status: 201, body: { status: 'idle' } })
      return `/agents/${String(made.body['id'])}`
    }
    const idle = (agent: string): Promise<void> =>
      vi.waitFor(async () => expect((await acme('GET', agent)).body['status']).toBe('idle'), { timeout: 60_000 })

    test('does what it is told, one after the other: busy until the last of it is done', async () => {
      const agent = await make()
      const none = { waiting: 0, running: 0, dead: 0 }
      expect((await acme('GET', `${agent}/status`)).body).toEqual({ status: 'idle', ...none })
      const told = await acme('POST', `${agent}/command`, { task: 'after the release', siteId })
      expect(told).toMatchObject({ status: 200, body: { status: 'busy', dead: 0 } })
      expect(await acme('POST', `${agent}/command`, { task: 'recheck', siteId })).toMatchObject({ status: 200 })
      await idle(agent)
      expect((await acme('GET', `${agent}/status`)).body).toEqual({ status: 'idle', ...none })
      const of = `/jobs?type=agent.task&status=completed&key=${encodeURIComponent(agent.replace('/agents/', 'agent:'))}`
      expect((await acme('GET', of)).body['data']).toHaveLength(2)
      const entries = `/timeline?agentId=${agent.replace('/agents/', '')}`
      await vi.waitFor(async () => expect((await acme('GET', entries)).body['data']).toHaveLength(2), {
        timeout: 60_000,
      })
      expect((await beta('GET', entries)).body['data']).toEqual([])
    })

    test('never shows its queue, and takes neither it nor its state from outside', async () => {
      const agent = await make({ status: 'error', taskQueue: [{ task: 'planted', at: '' }] })
      await acme('PATCH', agent, { status: 'busy', taskQueue: [] })
      expect((await acme('GET', `${agent}/status`)).body).toMatchObject({ status: 'idle' })
      const shown = JSON.stringify([await acme('GET', agent), await acme('GET', '/agents')])
      expect(shown).not.toMatch(/planted|taskQueue/)
    })

    test('takes the tasks of its template, and no others', async () => {
      const agent = await make({ sharedTemplate: 'rechecker' })
      expect(await acme('POST', `${agent}/command`, { task: 'recheck' })).toMatchObject({ status: 200 })
      expect(await acme('POST', `${agent}/command`, { task: 'check' })).toMatchObject({
        status: 400,
        body: { errors: [{ path: '/task', code: 'unknown_task' }] },
      })
      expect(await acme('POST', `${agent}/command`, { task: 'bake' })).toMatchObject({ status: 400 })
      await idle(agent)
    })

    test('of another agency is not there', async () => {
      const agent = await make()
      expect(await beta('POST', `${agent}/command`, { task: 'check' })).toMatchObject({ status: 404 })
      expect(await beta('GET', `${agent}/status`)).toMatchObject({ status: 404 })
    })
  })

  test('shows one agency nothing of the other', async () => {
    const monitorId = await monitor({ path: '/status-page' })
    const nobodys = '01941f29-7c00-7aaa-8bbb-0123456789ab'
    for (const [method, path, body] of [
      ['GET', '/sites/:id', undefined],
      ['PATCH', '/sites/:id', { name: 'Mine' }],
      ['DELETE', '/sites/:id', undefined],
      ['POST', '/monitors/:id/check', undefined],
    ] as const) {
      const id = path.startsWith('/sites') ? siteId : monitorId
      const foreign = await beta(method, path.replace(':id', id), body)
      const absent = await beta(method, path.replace(':id', nobodys), body)
      expect(foreign.status).toBe(404)
      expect(comparable(foreign)).toEqual(comparable(absent))
    }
    expect((await beta('GET', '/sites')).body['data']).toEqual([])
    const hung = await beta('POST', '/monitors', { siteId, name: 'On a foreign site' })
    const lost = await beta('POST', '/monitors', { siteId: nobodys, name: 'On no site' })
    expect(hung.status).toBeGreaterThanOrEqual(400)
    expect(comparable(hung)).toEqual(comparable(lost))
    expect(await beta('GET', '/sites', undefined, { 'x-tenant-id': 'acme' })).toMatchObject({ status: 403 })
  })

  test('keeps its keys to itself, and takes no token that it did not give', async () => {
    const secrets = globSync('{keys/*.pem,*.json}', { cwd: dataDir })
    expect(secrets).toContainEqual(expect.stringMatching(/^keys\/.*\.pem$/))
    for (const file of secrets) expect((statSync(join(dataDir, file)).mode & 0o777).toString(8), file).toBe('600')
    for (const token of ['x'.repeat(43), `${owners.acme.token}x`, 'plk_000000000000000000000000000000000000'])
      expect(await asker(lookout.origin, token)('GET', '/sites')).toMatchObject({ status: 401 })
    expect(await asker(lookout.origin, '')('GET', '/sites')).toMatchObject({ status: 401 })
  })

  test('answers 404 itself where there is nothing', async () => {
    const answer = await fetch(`${lookout.origin}/nowhere`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })

  test('starts again with the same accounts and rows, and keeps private addresses out where it is told to', async () => {
    const port = new URL(lookout.origin).port
    expect(await stop()).toBe(0)
    await start({ LOOKOUT_ALLOW_PRIVATE: 'false', PORT: port })
    // Told another port, it is another issuer: who had signed in does so again.
    enter({ acme: await signIn(lookout.origin, owners.acme), beta: await signIn(lookout.origin, owners.beta) })
    expect(lookout.said.stdout).not.toContain('Making the embedded database')
    expect(await acme('GET', `/sites/${siteId}`)).toMatchObject({ status: 200, body: { name: 'Demo client' } })

    for (const url of [
      'http://127.0.0.1',
      'http://[::1]:8000',
      'http://2130706433/',
      'http://169.254.169.254',
      'http://localhost',
    ]) {
      const refused = {
        status: 400,
        body: { errors: [{ path: '/url', message: expect.stringContaining('public address') }] },
      }
      expect(await acme('POST', '/sites', { name: 'Inside', url })).toMatchObject(refused)
      expect(await acme('PATCH', `/sites/${siteId}`, { url })).toMatchObject(refused)
    }
    // The site was stored while it was allowed; the check looks again.
    const checked = await acme('POST', `/monitors/${await monitor({ path: '/status-page' })}/check`)
    expect(checked.body).toMatchObject({
      lastStatus: 'down',
      lastError: 'The name does not resolve to a public address',
    })
  })

  test('refuses a taken port in one line', async () => {
    const port = new URL(lookout.origin).port
    const failed = await failingProcess({ DATA_DIR: dataFolder(), PORT: port })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(`Port ${port} on 127.0.0.1 is in use`),
    ])
  })

  test('loses the monitors with their site', async () => {
    expect(await acme('DELETE', `/sites/${siteId}`)).toMatchObject({ status: 204 })
    expect((await acme('GET', `/monitors?siteId=${siteId}`)).body['data']).toEqual([])
  })

  test('stops when it is told to', async () => {
    expect(await stop()).toBe(0)
    await expect(fetch(lookout.origin)).rejects.toThrow('fetch failed')
  })
})

test('what is wrong with the variables is told all at once', async () => {
  const failed = await failingProcess({ ENVIRONMENT: 'production', PORT: 'http', LOOKOUT_ALLOW_PRIVATE: 'perhaps' })
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  for (const name of ['PORT', 'LOOKOUT_ALLOW_PRIVATE', 'SECRET_KEYS', 'PUBLIC_URL', 'SMTP_URL', 'MAIL_FROM'])
    expect(failed.stderr).toContain(name)
  expect(failed.stderr).not.toMatch(/^ +at /m)
})

test('a database that is not there is told in words, without its password', async () => {
  const url = 'postgres://plinth_app:hidden-word@127.0.0.1:1/lookout'
  const failed = await failingProcess({ DATA_DIR: dataFolder(), DATABASE_URL: url, DATABASE_OWNER_URL: url })
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toContain('DATABASE_OWNER_URL: cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n')
  expect(failed.stderr).not.toContain('hidden-word')
  expect(failed.stderr).not.toMatch(/^ +at /m)
})

test('an embedded database that another process has open is left alone', async () => {
  const dataDir = dataFolder()
  const first = await startProcess({ DATA_DIR: dataDir })
  const second = await failingProcess({ DATA_DIR: dataDir })
  expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('has it open') })
  expect(second.stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(await first.stop()).toBe(0)
})

/** The Node of this process, whatever the machine has. */
const shell = {
  encoding: 'utf8',
  env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
} as const

/** An answer without what differs between any two. */
function comparable({ status, headers, body }: ApiAnswer): unknown {
  const { requestId: _, ...rest } = body
  // The second of two requests has one less left.
  const own = new Set(['x-request-id', 'date', 'ratelimit'])
  return { status, body: rest, headers: [...headers].filter(([name]) => !own.has(name)) }
}
