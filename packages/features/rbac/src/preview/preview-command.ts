import { asSystem, type FeatureCommand } from '@plinth/core'
import type { DefinitionsOf } from '../definitions.ts'
import { namesOf } from './holders.ts'
import { previewOptions, readQuestion } from './preview-options.ts'
import { preview } from './preview.ts'
import type { HolderDifference } from './tally.ts'

/** Lines at most; the counts say how many there are. */
const MOST_LINES = 200

/** `plinth roles:preview`: who would gain and lose what, before it is done. */
export function previewCommand(definitions: DefinitionsOf): FeatureCommand {
  return {
    name: 'roles:preview',
    summary: 'say who would gain and lose what by a change of roles, the ACL, policies or the plan; nothing is written',
    options: previewOptions,
    async run(platform, options) {
      return asSystem(platform, 'preview of rights', String(options['tenant']), async (context, transaction) => {
        const { tenant } = context
        const { change, aside } = await readQuestion(platform, context, transaction, options)
        const place = { platform, definitions, transaction, tenant }
        const { holders, gaining, losing, affected } = await preview(place, change, { limit: MOST_LINES })
        const members = affected.filter(({ kind }) => kind === 'member').map(({ id }) => id)
        const names = await namesOf(transaction, tenant.id, members)
        return {
          holders,
          gaining,
          losing,
          ...(aside.length > 0 && { 'left aside': aside }),
          ...Object.fromEntries(
            affected.map((one) => [[one.kind, one.id, names.get(one.id)].filter(Boolean).join(' '), inOneLine(one)]),
          ),
        }
      })
    },
  }
}

/** `-folder:read:all (every row → no row)`. */
function inOneLine({ gained, lost, changes = [] }: HolderDifference): string {
  const signed = [...gained.map((one) => `+${one}`), ...lost.map((one) => `-${one}`)]
  const rows = changes.map(({ permission, before, after }) => `(${permission}: ${before} → ${after})`)
  return [...signed, ...rows].join(' ')
}
