import type { AccessExplanation, ExplainedPart } from '@plinth/core'
import { UsageError } from '../cli-error.ts'
import { configOption, type Command } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Style } from '../style.ts'

export const explain: Command = {
  name: 'explain',
  summary: 'tell whether somebody may do something, and which rule decides',
  details: `Takes the question through the stages of a request (tenant, permission, row) without doing anything. With --id one row
is judged, without it the rule is told. Values of secret, hidden and personal fields are withheld.`,
  positional: { name: 'permission', description: 'site:update', required: true },
  options: {
    ...configOption,
    as: {
      type: 'string',
      value: 'principal',
      description: 'who asks: the name of a service token (service:ci-bot, or ci-bot)',
    },
    principal: { type: 'string', value: 'principal', description: 'the same as --as' },
    tenant: { type: 'string', value: 'slug', description: 'the tenant, where the principal may choose' },
    id: { type: 'string', value: 'id', description: 'the row' },
  },
  async run({ terminal, style, json, printJson, positional = '', text, plinth }) {
    const principal = text('as') ?? text('principal')
    if (principal === undefined) throw new UsageError('--as <principal> is missing: who asks?')
    const platform = await plinth()
    const { names } = platform.registry.permissions
    if (!names.includes(positional))
      throw new UsageError(`There is no permission '${positional}'. There are: ${names.join(', ')}.`)
    const found = await platform.explain({
      permission: positional,
      principal,
      tenant: text('tenant'),
      id: text('id'),
    })
    if (json) printJson({ ok: true, ...found })
    else terminal.out(print(found, style))
    return exitCodes.ok
  },
}

function print({ sentence, decidedBy, answer, rules }: AccessExplanation, style: Style): string {
  const lines = [style.bold(sentence), `decided by: ${decidedBy}${answer === null ? '' : ` (answers ${answer})`}`, '']
  for (const { source, name, effect, explanation } of rules) {
    lines.push(`${effect.padEnd(7)} ${source} ${name}`)
    if (explanation) lines.push(...parts(explanation.tree, '          '))
  }
  return `${lines.join('\n')}\n`
}

function parts(part: ExplainedPart, indent: string): readonly string[] {
  const own = part.parts.length === 0 ? (part.reason ?? part.rule) : `${part.kind}`
  return [`${indent}${part.truth}: ${own}`, ...part.parts.flatMap((inner) => parts(inner, `${indent}  `))]
}
