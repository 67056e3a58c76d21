import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bareEnv, outputOf, projectFolder, root, runBin, type Ran } from '../../tests/spawn-bin.ts'
import { testedVersions } from '../init/written-files.ts'

/* `init` in a small project of each framework; what it wrote is migrated, started and asked. */

let folder = ''
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const plinth = (...args: readonly string[]): Promise<Ran> => runBin(args, folder, {})

const manifest = (framework: string, more: object = {}): string =>
  JSON.stringify({ name: 'host', private: true, dependencies: { [framework]: '*' }, ...more })

const projects = [
  {
    name: 'Express, modules in TypeScript below src',
    files: {
      'package.json': manifest('express', { type: 'module', scripts: { start: 'node src/server.ts' } }),
      'src/server.ts': `import express from 'express'\n\nconst app = express()\napp.use(express.json())\napp.get('/', (_request, response) => void response.send('host'))\napp.listen(Number(process.env['PORT']), '127.0.0.1')\n`,
    },
    entry: 'src/server.ts',
    mount: 'app.use(toExpress(plinth))',
  },
  {
    name: 'Express, CommonJS',
    files: {
      'package.json': manifest('express', { main: 'index.js' }),
      'index.js': `const express = require('express');\nconst app = express();\napp.use(express.json());\napp.get('/', (_request, response) => void response.send('host'));\napp.listen(Number(process.env.PORT), '127.0.0.1');\n`,
    },
    entry: 'index.js',
    mount: 'app.use(toExpress(plinth));',
  },
  {
    name: 'Fastify, modules in JavaScript',
    files: {
      'package.json': manifest('fastify', { type: 'module', scripts: { start: 'node app.js' } }),
      'app.js': `import Fastify from 'fastify'\n\nconst fastify = Fastify({\n  logger: false,\n})\nfastify.get('/', async () => 'host')\nawait fastify.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })\n`,
    },
    entry: 'app.js',
    mount: 'fastify.register(toFastify(plinth))',
  },
  {
    name: 'Hono, TypeScript',
    files: {
      'package.json': manifest('hono', { type: 'module', scripts: { dev: 'node src/index.ts' } }),
      'src/index.ts': `import { serve } from '@hono/node-server'\nimport { Hono } from 'hono'\n\nconst app = new Hono()\napp.get('/', (context) => context.text('host'))\nserve({ fetch: app.fetch, port: Number(process.env['PORT']), hostname: '127.0.0.1' })\n`,
    },
    entry: 'src/index.ts',
    mount: "app.route('/', toHono(plinth))",
  },
  { name: 'an empty folder', files: {}, entry: 'server.ts', mount: undefined },
] as const

describe.each(projects)('$name', ({ files, entry, mount }) => {
  test('the plan, the files, a second run, and a request', async () => {
    folder = projectFolder(files)
    // Without --yes and without anybody to ask, nothing is written.
    const asked = await plinth('init')
    expect(asked.code).toBe(2)
    expect(asked.err).toContain('--yes')
    expect(asked.out).toContain('plinth.config.')
    expect(readdirSync(folder)).not.toContain('.env')

    const before = 'package.json' in files ? files['package.json'] : undefined
    const written = await plinth('init', '--yes')
    expect(written).toMatchObject({ code: 0, err: expect.stringContaining('npx plinth migrate') as string })
    if (mount !== undefined) {
      expect(written.out).toContain(`         + ${mount}\n`)
      expect(readFileSync(join(folder, entry), 'utf8')).toContain(`${mount}\n`)
      expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(before)
    }
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('.env\n.plinth/\n')

    const again = await plinth('init', '--yes', '--json')
    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toMatchObject({ ok: true, written: false, create: [], add: [], byHand: null })

    expect(await plinth('migrate')).toMatchObject({ code: 0 })
    const doctor = await plinth('doctor')
    expect(doctor).toMatchObject({ code: 0, out: '' })
    await ask(entry, mount !== undefined)
  }, 120_000)
})

/** Starts the project and makes the first requests. */
async function ask(entry: string, hasHost: boolean): Promise<void> {
  const port = await freePort()
  const child = spawn(process.execPath, [entry], {
    cwd: folder,
    env: { ...bareEnv, PORT: String(port), LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let ended: Ran | undefined
  const ending = outputOf(child).then((ran) => (ended = ran))
  try {
    const origin = `http://127.0.0.1:${port}`
    const token = /^API_TOKEN=(.+)$/m.exec(readFileSync(join(folder, '.env'), 'utf8'))?.[1] ?? ''
    for (;;) {
      if (ended) throw new Error(`the server ended: ${ended.err}`)
      if (await fetch(origin).catch(() => undefined)) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const notes = `${origin}/api/v1/notes`
    expect((await fetch(notes)).status).toBe(401)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const made = await fetch(notes, { method: 'POST', headers, body: JSON.stringify({ title: 'First' }) })
    expect(made.status, await made.clone().text()).toBe(201)
    expect(await (await fetch(notes, { headers })).json()).toMatchObject({ data: [{ title: 'First' }] })
    if (hasHost) expect(await (await fetch(origin)).text()).toBe('host')
    else {
      // The server is ours too, and ends as the documentation says that one should.
      child.kill('SIGTERM')
      expect(await ending).toMatchObject({ code: 0 })
    }
  } finally {
    child.kill('SIGKILL')
    await ending
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

describe('what is there stays', () => {
  test('files, lines and a mount that is unclear', async () => {
    const files = {
      'package.json': manifest('express', { type: 'module', main: 'app.js' }),
      'app.js': "import express from 'express'\nexport const app = express().use(express.json())\n",
      'plinth/schema.js': '// mine\n',
      '.env': 'MINE=1\n',
      '.env.example': 'API_TOKEN=\n',
      '.gitignore': 'dist\n.env',
    }
    folder = projectFolder(files)
    const { code, out } = await plinth('init', '--yes', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      written: true,
      framework: 'express',
      entry: 'app.js',
      kept: ['plinth/schema.js', '.env'],
      byHand: {
        file: 'app.js',
        lines: [
          "import { toExpress } from '@plinth/express'",
          "import { plinth } from './plinth/plinth.js'",
          'app.use(toExpress(plinth))',
        ],
      },
    })
    for (const name of ['app.js', 'plinth/schema.js', '.env', 'package.json'] as const)
      expect(readFileSync(join(folder, name), 'utf8')).toBe(files[name])
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('dist\n.env\n.plinth/\n')
    expect(readFileSync(join(folder, '.env.example'), 'utf8')).toMatch(/^API_TOKEN=\n# development[^]*ENVIRONMENT=/)
  })

  test('sources without package.json are refused', async () => {
    folder = projectFolder({ 'server.js': '' })
    expect(await plinth('init', '--yes')).toMatchObject({ code: 1, out: '' })
  })
})

test('the versions that init names are those of the workspace', () => {
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  for (const [name, version] of Object.entries(testedVersions)) {
    const found = new RegExp(`^  '?${name}'?: \\^?(.+)$`, 'm').exec(workspace)?.[1]
    expect(`^${found}`, name).toBe(version)
  }
})
