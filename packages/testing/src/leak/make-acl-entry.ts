import type { ResourceInfo } from '@plinth/core'
import type { Words } from './words.ts'

/**
 * An entry of the ACL: about a row and a subject, at least one of them the victim's where references are foreign. Nothing of one's own is
 * denied, or the requests after it would be refused for that.
 */
export function makeAclEntry(words: Words, foreign: boolean): string {
  const { random, knowledge } = words
  const { resources } = knowledge.registry
  const resource = random.pick(resources.filter((one) => one.origin === 'product'))
  const action = random.pick(['*', ...resource.verbs.filter((verb) => verb !== 'create')])
  const name = random.chance(0.5) ? resource.name : resource.name.slice(0, 1).toUpperCase() + resource.name.slice(1)
  const awayRow = foreign && random.chance(0.7)
  const recordId = awayRow ? words.foreignId(resource) : random.chance(0.7) ? words.twinId(resource) : null
  const principal = subject(words, foreign && (!awayRow || random.chance(0.3)), resources)
  const effect = foreign ? random.pick(['allow', 'deny']) : 'allow'
  return JSON.stringify({ resource: `${name}${random.pick(['.', ':'])}${action}`, recordId, principal, effect })
}

function subject(words: Words, foreign: boolean, resources: readonly ResourceInfo[]): object {
  const { random, knowledge } = words
  const { userIds, groupIds } = knowledge.attacker
  const kinds = { user: 'user', group: 'group', service: 'serviceAccount', apiKey: 'apiKey' } as const
  if (foreign) {
    const known = Object.entries(kinds).flatMap(([kind, name]) => {
      const resource = resources.find((one) => one.name === name)
      return resource && knowledge.victimRows.has(name) ? [{ kind, resource }] : []
    })
    if (known.length > 0) {
      const { kind, resource } = random.pick(known)
      return { kind, id: words.foreignId(resource) }
    }
  }
  const own = [
    { kind: 'role', id: 'read_only' },
    ...userIds.map((id) => ({ kind: 'user', id })),
    ...groupIds.map((id) => ({ kind: 'group', id })),
  ]
  return random.pick(own)
}
