import type { WireRequest } from './wire.ts'

/** The request as a command that a person can paste. Tokens stand in it as variables: reports end up in tickets. */
export function printCurl(
  request: WireRequest,
  options: { readonly origin?: string; readonly tokens?: ReadonlyMap<string, string> } = {},
): string {
  const { origin = 'http://127.0.0.1:8000', tokens = new Map<string, string>() } = options
  const parts = ['curl -i --path-as-is']
  if (request.method === 'HEAD') parts.push('--head')
  else parts.push(`-X ${request.method}`)
  for (const [name, value] of request.headers) {
    const token = /^Bearer (.+)$/.exec(value)?.[1]
    const variable = token === undefined ? undefined : tokens.get(token)
    // Double quotes, so that the shell fills the variable in.
    parts.push(variable === undefined ? `-H ${quoted(`${name}: ${value}`)}` : `-H "${name}: Bearer $${variable}"`)
  }
  if (request.body !== undefined) {
    const text = typeof request.body === 'string' ? request.body : Buffer.from(request.body).toString('latin1')
    parts.push(`--data-binary ${quoted(text)}`)
  }
  parts.push(quoted(origin + request.target))
  return parts.join(' ')
}

function quoted(text: string): string {
  // eslint-disable-next-line no-control-regex
  if (!/[\u0000-\u001f\u007f]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  // eslint-disable-next-line no-control-regex
  return `$'${escaped.replace(/[\u0000-\u001f\u007f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`
}
