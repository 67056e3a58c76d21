import { importLine } from './import-line.ts'
import type { Framework } from './read-project.ts'

const adapters: Readonly<Record<Framework, { readonly name: string; readonly mount: (app: string) => string }>> = {
  hono: { name: 'toHono', mount: (app) => `${app}.route('/', toHono(plinth))` },
  express: { name: 'toExpress', mount: (app) => `${app}.use(toExpress(plinth))` },
  fastify: { name: 'toFastify', mount: (app) => `${app}.register(toFastify(plinth))` },
}

const creations: Readonly<Record<Framework, RegExp>> = {
  hono: /^([ \t]*)(?:export )?(?:const|let|var) (\w+)(?:: [\w<>, ]+)? = new Hono(?:<[^>\n]*>)?(\()/gm,
  express: /^([ \t]*)(?:export )?(?:const|let|var) (\w+)(?:: [\w<>, .]+)? = express(\()/gm,
  fastify: /^([ \t]*)(?:export )?(?:const|let|var) (\w+)(?:: [\w<>, ]+)? = [fF]astify(\()/gm,
}

/** The lines that mount a platform, in the order in which they stand. */
export function mountLines(framework: Framework, module: string, isModule: boolean, app = 'app'): readonly string[] {
  const { name, mount } = adapters[framework]
  return [...importLines(framework, module, isModule, name), mount(app)]
}

function importLines(framework: Framework, module: string, isModule: boolean, name: string): readonly string[] {
  return isModule
    ? [importLine(`{ ${name} }`, `@plinth/${framework}`), importLine('{ plinth }', module)]
    : [`const { ${name} } = require('@plinth/${framework}')`, `const { plinth } = require('${module}')`]
}

/**
 * The entry with the platform mounted right behind the application's creation: before parsers of bodies, whose leftovers no one
 * can read again, and before routes that take everything. What no route of Plinth matches goes on to them.
 *
 * Only where there is exactly one plain `const app = express()`: anything else (a chain, a factory, two applications) is for a
 * person to read. @returns undefined there
 */
export function mountInto(
  text: string,
  framework: Framework,
  module: string,
  isModule: boolean,
): { readonly text: string; readonly lines: readonly string[] } | undefined {
  const found = [...text.matchAll(creations[framework])]
  const [match] = found
  if (found.length !== 1 || !match || /\bplinth\b/.test(text)) return undefined
  const [whole, indent = '', app = ''] = match
  const open = match.index + whole.length - 1
  const close = closingBracket(text, open)
  if (close === undefined) return undefined
  const rest = /^[ \t]*;?[ \t]*(?:\/\/[^\n]*)?(?=\r?\n|$)/.exec(text.slice(close + 1))
  if (!rest) return undefined
  // A chain that goes on in the next line.
  const end = close + 1 + rest[0].length
  if (/^\s*\./.test(text.slice(end))) return undefined
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const semicolon = rest[0].includes(';') ? ';' : ''
  const lines = mountLines(framework, module, isModule, app).map((line) => line + semicolon)
  const mounted = `${text.slice(0, end)}${newline}${indent}${lines.at(-1) ?? ''}${text.slice(end)}`
  const imports = lines.slice(0, -1).join(newline) + newline
  const at = isModule ? afterImports(mounted) : match.index
  return { text: mounted.slice(0, at) + imports + mounted.slice(at), lines }
}

/** The bracket that closes the one at `open`; strings, templates and comments are passed over. */
function closingBracket(text: string, open: number): number | undefined {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[()]/g
  token.lastIndex = open
  let depth = 0
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (match[0] === '(') depth += 1
    if (match[0] === ')' && --depth === 0) return match.index
  }
  return undefined
}

/** Behind the last import statement at the beginning of a line. */
function afterImports(text: string): number {
  let end = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0
  for (const match of text.matchAll(/^import\s(?:[^'";]*?\sfrom\s+)?['"][^'"\n]+['"][^\n]*\r?\n/gm))
    end = match.index + match[0].length
  return end
}
