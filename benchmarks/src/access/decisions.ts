import { buildPermissionSet, numberPermissions } from '@plinth/core'
import { timeCall } from '../micro/time-call.ts'
import type { Spread } from '../report/statistics.ts'
import { markdownTable } from '../report/table.ts'
import { casbinEnforcer } from './casbin.ts'
import { caslAbility } from './casl.ts'
import { roleRules } from './rules.ts'

export interface DecisionFigure {
  readonly title: string
  /** Nanoseconds per decision. */
  readonly ns: Spread
}

/** May somebody with 20 roles and 200 permissions do this at all? Warm, alone, no row, no list. */
export async function measureDecisions(): Promise<readonly DecisionFigure[]> {
  const asked = roleRules.map(({ model, action }) => ({ model, action }))
  const verbs = [...new Set(asked.map(({ action }) => action))]
  const numbers = numberPermissions([...new Set(asked.map(({ model }) => model))].map((name) => ({ name, verbs })))
  const { set } = buildPermissionSet(numbers, numbers.names)
  const ability = caslAbility([])
  const enforcer = await casbinEnforcer(new Map([['ada', []]]))
  const figure = (title: string, call: (turn: number) => unknown): DecisionFigure => {
    const { median, least, most } = timeCall(call)
    return { title, ns: { median: median * 1_000, least: least * 1_000, most: most * 1_000 } }
  }
  return [
    figure('Plinth: a mask by number', (turn) => set.condition(turn % 200)),
    figure('Plinth: by name', (turn) => {
      const { model, action } = asked[turn % 200]!
      return set.holds(numbers.numberOf(model, action)!)
    }),
    figure('CASL, ability built once', (turn) => {
      const { model, action } = asked[turn % 200]!
      return ability.can(action, model)
    }),
    figure('Casbin, enforceSync', (turn) => {
      const { model, action } = asked[turn % 200]!
      return enforcer.enforceSync('ada', model, '-', action)
    }),
  ]
}

export function decisionTable(figures: readonly DecisionFigure[]): string {
  const least = figures[0]!.ns.median
  return markdownTable(
    ['decision', 'ns (range)', '×'],
    figures.map(({ title, ns }) => [
      title,
      `${ns.median.toFixed(0)} (${ns.least.toFixed(0)}–${ns.most.toFixed(0)})`,
      (ns.median / least).toFixed(1),
    ]),
  )
}
