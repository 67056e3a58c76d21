import type { Condition, Policies, PolicyFact } from '@plinth/core'

/** Facts that a condition asks for. */
export function factsIn(condition: Condition): readonly PolicyFact[] {
  switch (condition.kind) {
    case 'fact':
      return [condition.fact]
    case 'not':
      return factsIn(condition.of)
    case 'and':
    case 'or':
      return condition.of.flatMap(factsIn)
    default:
      return []
  }
}

/** Whether some policy speaks of single people: of two with the same roles and groups it may then say different things. */
export function isPersonal(policies: Policies): boolean {
  return [...policies.values()]
    .flat()
    .some(({ when }) => factsIn(when).some((fact) => fact === 'principalId' || fact === 'userId'))
}
