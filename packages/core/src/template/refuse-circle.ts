import { oneOf } from '../condition/condition.ts'
import { problem } from '../errors/plinth-error.ts'
import type { Session } from '../ports/database.ts'
import { fieldOf } from '../resource/resource-info.ts'
import { MOST_LEVELS } from './level.ts'
import type { TemplateLink } from './link.ts'
import type { Chain } from './load-levels.ts'

const CHILDREN_AT_ONCE = 1_000

/**
 * A template may not inherit from itself, by whatever detour, and no row may lie under more templates than are read.
 * @param id   the template that gets a parent; undefined for a new one, which nothing inherits from yet
 * @param above what would lie above it
 * @throws validation_failed (`template_circle`, `too_deep`)
 */
export async function refuseCircle(
  link: TemplateLink,
  id: string | undefined,
  above: Chain,
  session: Session,
): Promise<void> {
  if (id !== undefined && above.levels.some((level) => level.template === id)) {
    throw refusal('template_circle', 'A template cannot inherit from itself')
  }
  const room = MOST_LEVELS - above.levels.length - 1
  if (above.missing.length > 0 || room < 0 || (id !== undefined && (await isTaller(link, id, room, session)))) {
    throw refusal('too_deep', `At most ${MOST_LEVELS} templates may lie above a row`)
  }
}

function refusal(code: string, message: string): Error {
  return problem('validation_failed', { errors: [{ path: '/parentTemplateId', code, message }] })
}

/** Are there more than `room` generations below? A generation at a time, ids alone. */
async function isTaller(link: TemplateLink, id: string, room: number, session: Session): Promise<boolean> {
  let generation: readonly string[] = [id]
  for (let height = 0; generation.length > 0; height += 1) {
    if (height > room) return true
    generation = await childrenOf(link, generation, session)
  }
  return false
}

async function childrenOf(
  link: TemplateLink,
  parents: readonly string[],
  session: Session,
): Promise<readonly string[]> {
  const resource = link.template
  const id = fieldOf(resource, 'id')
  const children: string[] = []
  for (let from = 0; from < parents.length; from += CHILDREN_AT_ONCE) {
    const where = oneOf('parentTemplateId', parents.slice(from, from + CHILDREN_AT_ONCE))
    let after: readonly string[] | undefined
    do {
      const sort = [{ field: id, descending: false }]
      const rows = await session.list({
        resource,
        where,
        sort,
        after,
        limit: CHILDREN_AT_ONCE,
        offset: 0,
        fields: [id],
      })
      children.push(...rows.map((row) => String(row.id)))
      after = rows.length === CHILDREN_AT_ONCE ? [String(rows.at(-1)!.id)] : undefined
    } while (after)
  }
  return children
}
