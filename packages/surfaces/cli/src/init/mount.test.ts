import { describe, expect, test } from 'vitest'
import { mountInto } from './mount.ts'

describe('an entry with one plain application', () => {
  test('Express: behind its creation, before the parsers', () => {
    const text = `import express from 'express'\nimport {\n  a,\n} from './a.js'\n\nconst app = express()\napp.use(express.json())\n`
    expect(mountInto(text, 'express', './plinth/plinth.js', true)?.text).toBe(
      `import express from 'express'\nimport {\n  a,\n} from './a.js'\nimport { toExpress } from '@plinth/express'\nimport { plinth } from './plinth/plinth.js'\n\nconst app = express()\napp.use(toExpress(plinth))\napp.use(express.json())\n`,
    )
  })

  test('with require', () => {
    const text = `const express = require('express');\nconst app = express();\n`
    expect(mountInto(text, 'express', './plinth/plinth.mjs', false)?.text).toBe(
      `const express = require('express');\nconst { toExpress } = require('@plinth/express');\nconst { plinth } = require('./plinth/plinth.mjs');\nconst app = express();\napp.use(toExpress(plinth));\n`,
    )
  })

  test('Fastify, with options over several lines that hold brackets and quotes', () => {
    const text = `import Fastify from 'fastify'\n\nexport const server = Fastify({\n  logger: { name: ")" }, // (\n  genReqId: () => String(1),\n})\n`
    const mounted = mountInto(text, 'fastify', './plinth/plinth.ts', true)
    expect(mounted?.text).toContain('})\nserver.register(toFastify(plinth))\n')
    expect(mounted?.lines.at(-1)).toBe('server.register(toFastify(plinth))')
  })

  test('Hono inside a function, with types and the line ends of Windows', () => {
    const text = `import { Hono } from 'hono'\r\nfunction build() {\r\n  const app = new Hono<{ Variables: A }>()\r\n  return app\r\n}\r\n`
    const mounted = mountInto(text, 'hono', './plinth/plinth.ts', true)?.text
    expect(mounted).toContain("()\r\n  app.route('/', toHono(plinth))\r\n  return app")
    expect(mounted?.replaceAll('\r\n', '')).not.toContain('\n')
  })
})

test.each([
  ['a chain', 'express', 'const app = express().use(a)\n'],
  ['a chain in the next line', 'hono', "const app = new Hono()\n  .get('/', a)\n"],
  ['two applications', 'express', 'const app = express()\nconst admin = express()\n'],
  ['none', 'fastify', 'export default build()\n'],
  ['one that is an argument', 'express', 'serve(express())\n'],
  ['a bracket that never closes', 'fastify', 'const app = Fastify({\n'],
  ['the name is taken', 'express', 'const plinth = 1\nconst app = express()\n'],
] as const)('%s is left to a person', (_, framework, text) => {
  expect(mountInto(text, framework, './plinth/plinth.ts', true)).toBeUndefined()
})
