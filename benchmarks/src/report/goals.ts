import type { MicroResult } from '../micro.ts'
import type { WorkloadName } from '../workloads.ts'
import type { Row, WorkloadFigures } from './figures.ts'
import { markdownTable } from './table.ts'
import { whole } from './workload-tables.ts'

interface CpuGoal {
  readonly words: string
  readonly workload: WorkloadName
  readonly server: string
  readonly limit: number
  readonly stretch: number
}

/** Set before the first line of Plinth was written, from measurements of floors and peers on a machine of this kind. */
const cpuGoals: readonly CpuGoal[] = [
  { words: 'W1 read one', workload: 'w1', server: 'plinth', limit: 200, stretch: 130 },
  { words: 'W2 page of 20', workload: 'w2-first', server: 'plinth', limit: 350, stretch: 260 },
  { words: 'W3 create, nothing recorded', workload: 'w3', server: 'plinth', limit: 280, stretch: 220 },
  {
    words: 'W3 create with audit row and event',
    workload: 'w3-both',
    server: 'plinth-recording',
    limit: 350,
    stretch: 280,
  },
]
/** A cursor page may cost this much more than the first page and still count as the same: rounds differ by as much. */
const SAME = 1.1
const DECISION_NS = 100

export interface Verdict {
  readonly goal: string
  readonly wanted: string
  readonly measured: string
  readonly toFloor: string
  readonly reached: boolean
  readonly stretch: boolean
}

export function verdicts(figures: readonly WorkloadFigures[], micro: readonly MicroResult[]): readonly Verdict[] {
  const row = (workload: WorkloadName, server: string): Row | undefined =>
    figures.find((one) => one.workload.name === workload)?.rows.find((one) => one.server.name === server)
  const found: Verdict[] = []
  for (const goal of cpuGoals) {
    const own = row(goal.workload, goal.server)
    if (!own) continue
    const { median } = own.cpuUs
    found.push({
      goal: goal.words,
      wanted: `≤ ${goal.limit} µs, stretch ≤ ${goal.stretch}`,
      measured: `${whole(median)} µs`,
      toFloor: floors(own),
      reached: median <= goal.limit,
      stretch: median <= goal.stretch,
    })
  }
  const first = row('w2-first', 'plinth')
  const keyset = row('w2-keyset', 'plinth')
  if (first && keyset) {
    const ratio = keyset.cpuUs.median / first.cpuUs.median
    found.push({
      goal: 'W2 deep page by cursor',
      wanted: `as the first page (≤ × ${SAME})`,
      measured: `× ${ratio.toFixed(2)} (${whole(keyset.cpuUs.median)} µs)`,
      toFloor: floors(keyset),
      reached: ratio <= SAME,
      stretch: ratio <= 1,
    })
  }
  const decision = micro.find((one) => one.name === 'decision')
  if (decision) {
    const ns = decision.us.median * 1_000
    found.push({
      goal: 'permission decision',
      wanted: `≤ ${DECISION_NS} ns, stretch ≤ 20`,
      measured: `${ns.toFixed(1)} ns`,
      toFloor: '–',
      reached: ns <= DECISION_NS,
      stretch: ns <= 20,
    })
  }
  return found
}

export function verdictTable(all: readonly Verdict[]): string {
  return markdownTable(
    ['goal', 'wanted', 'measured', '× floor / × floor RLS', 'verdict'],
    all.map((one) => [
      one.goal,
      one.wanted,
      one.measured,
      one.toFloor,
      one.reached ? (one.stretch ? 'reached, stretch too' : 'reached') : '**missed**',
    ]),
  )
}

function floors({ toFloor, toSecuredFloor }: Row): string {
  const print = (ratio: Row['toFloor']): string => ratio?.median.toFixed(2) ?? '–'
  return `${print(toFloor)} / ${print(toSecuredFloor)}`
}
