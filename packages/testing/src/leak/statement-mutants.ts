import type { WireReply } from '../http/wire.ts'
import type { TestPlatform } from '../platform/test-platform.ts'
import { arenaOf } from './arena.ts'
import { directedProbes } from './directed-probes.ts'
import { difference, judgeReply } from './judge.ts'
import { decoyOf, type Probe } from './probe.ts'
import { countTenantConditions, withoutTenantCondition, type TappedDriver } from './tapped-driver.ts'

/** One condition on the tenant, taken out of one statement. */
export interface StatementMutant {
  readonly text: string
  /** Which of the statement's conditions, from 0. */
  readonly condition: number
  readonly conditions: number
  /** How it was noticed; undefined when it was not. */
  readonly noticed: string | undefined
  /** Requests that run the statement. */
  readonly probes: number
}

export interface StatementMutantReport {
  readonly mutants: readonly StatementMutant[]
  /** Distinct texts that the directed requests run, with or without a condition. */
  readonly texts: ReadonlySet<string>
  readonly requests: number
  readonly seconds: number
}

interface Observed {
  readonly probe: Probe
  readonly texts: ReadonlySet<string>
  readonly victims: WireReply
  readonly nobodys: WireReply | undefined
  /** Whether rows have to be put back after it. */
  readonly writes: boolean
}

/**
 * Takes one tenant condition out of one statement at a time and repeats the requests that run it, until one of them shows
 * the victim's data, tells the victim's id from nobody's, changes a row of the victim's, or answers otherwise than with the
 * condition. Row-level security must be out of the way (`driver.target` is a login with BYPASSRLS), or it would hold alone.
 */
export async function statementMutants(platform: TestPlatform, driver: TappedDriver): Promise<StatementMutantReport> {
  const startedAt = performance.now()
  const arena = await arenaOf(platform)
  let requests = 0
  const send: TestPlatform['send'] = (request) => {
    requests += 1
    return platform.send(request)
  }
  await arena.restore()
  const observed: Observed[] = []
  for (const probe of await directedProbes(arena.knowledge, platform.send)) {
    const texts = new Set<string>()
    driver.observe = (text) => void texts.add(text)
    const victims = await send(probe.request)
    const nobodys = probe.pairs.length === 0 ? undefined : await send(decoyOf(probe))
    driver.observe = undefined
    const wrong = judgeAlone(probe, victims, nobodys) ?? (await arena.wrongRows())[0]
    if (wrong)
      throw new Error(
        `the directed requests find a leak without any mutant: ${wrong} (${probe.request.method} ${probe.request.target})`,
      )
    const writes = probe.request.method !== 'GET'
    if (writes) await arena.restore()
    observed.push({ probe, texts, victims, nobodys, writes })
  }

  const judge = async ({ probe, victims, nobodys, writes }: Observed): Promise<string | undefined> => {
    const now = await send(probe.request)
    const decoy = nobodys && (await send(decoyOf(probe)))
    let reason = judgeAlone(probe, now, decoy)
    if (reason === undefined && difference({ ...probe, pairs: [] }, now, victims) !== undefined)
      reason = 'another answer'
    // Last, because it takes the longest.
    if (reason === undefined && writes && (await arena.wrongRows()).length > 0) reason = 'changed rows'
    if (writes) await arena.restore()
    return reason
  }

  const judgeAll = async (running: readonly Observed[]): Promise<string | undefined> => {
    for (const each of running) {
      const reason = await judge(each)
      if (reason !== undefined) return reason
    }
    return undefined
  }

  // Statements that answer with more than a row.
  const several = new Set<string>()
  driver.answer = (text, rows) => {
    if (rows.length > 1) several.add(text)
    return rows
  }
  // The control: without any mutant every request must answer as it did, or "another answer" would mean nothing.
  for (const each of observed) {
    const reason = await judge(each)
    if (reason === undefined) continue
    throw new Error(`not the same twice (${reason}): ${each.probe.request.method} ${each.probe.request.target}`)
  }

  driver.answer = undefined

  const texts = new Set(observed.flatMap((each) => [...each.texts]))
  const mutants: StatementMutant[] = []
  for (const text of texts) {
    const running = observed.filter((each) => each.texts.has(text))
    const conditions = countTenantConditions(text)
    for (let condition = 0; condition < conditions; condition += 1) {
      const mutated = withoutTenantCondition(text, condition)
      driver.rewrite = (each) => (each === text ? mutated : each)
      let noticed = await judgeAll(running)
      // Of a twin's two rows the attacker's may lie before the victim's, by how the heap was filled: the other comes first now.
      if (noticed === undefined && !several.has(text)) {
        driver.answer = (each, rows) => (each === text ? rows.toReversed() : rows)
        noticed = await judgeAll(running)
        driver.answer = undefined
      }
      driver.rewrite = undefined
      mutants.push({ text, condition, conditions, noticed, probes: running.length })
    }
  }
  return { mutants, texts, requests, seconds: (performance.now() - startedAt) / 1000 }

  function judgeAlone(probe: Probe, victims: WireReply, nobodys: WireReply | undefined): string | undefined {
    const found = judgeReply(probe.request, victims, arena.knowledge)
    if (found) return found.kind
    // Writes of the first may be in the way of the second; refusals are not.
    const comparable =
      nobodys &&
      (probe.request.method === 'GET' ||
        (victims.status >= 400 && nobodys.status >= 400) ||
        victims.status !== nobodys.status)
    return comparable && difference(probe, victims, nobodys) !== undefined ? 'distinguishable' : undefined
  }
}

/**
 * The form of a statement, in words: what it does, to which table, with which kinds of conditions. Statements of one form are
 * printed by the same lines of code; columns, filters, order and size differ.
 */
export function statementForm(text: string): string {
  const table = /(?:from|update|into) ("\w+"\."\w+")/.exec(text)?.[1]?.replaceAll('"', '') ?? text.slice(0, 60)
  const change = /\bn as \((insert|update|delete)/.exec(text)?.[1]
  const soft = change === 'update' && /set "deleted_at" = /.test(text)
  const verb = change
    ? soft
      ? 'soft delete'
      : change
    : text.includes('select count(*) n')
      ? 'count'
      : text.includes(' as "?of", ')
        ? text.includes(' k(id) ')
          ? text.includes(' l join ')
            ? 'linked'
            : 'children'
          : 'parents'
        : / limit \d+/.test(text)
          ? 'list'
          : text.includes('for no key update')
            ? 'lock'
            : text.includes(' delete from ')
              ? 'delete'
              : text.includes('select case when')
                ? 'probe'
                : 'read'
  const scope = ['owner_user_id', 'owner_group_id'].filter((column) => text.includes(`(p."${column}" = `)).join(' ')
  return [
    verb,
    table,
    scope && `within ${scope}`,
    /version (?:=|<>) \$/.test(text) && 'of a version',
    `(${countTenantConditions(text)})`,
  ]
    .filter(Boolean)
    .join(' ')
}
