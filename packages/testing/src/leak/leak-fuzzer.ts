import { FRESH_MS, type Route } from '@plinth/core'
import type { WireReply, WireRequest } from '../http/wire.ts'
import type { TestTenant } from '../platform/actors.ts'
import type { TestPlatform } from '../platform/test-platform.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { arenaOf, type Arena } from './arena.ts'
import type { LeakActor } from './leak-actor.ts'
import { difference, heardFrom, isRunning, judgeReply, type Finding } from './judge.ts'
import { makeProbe, type Mood } from './make-probe.ts'
import { decoyOf, type Probe } from './probe.ts'
import { shrinkProbe } from './shrink-probe.ts'
import { unheld } from './unheld.ts'

export interface LeakFuzzerOptions {
  /** A platform of `testPlatform()`. */
  readonly platform: TestPlatform
  /** Default: tenant a against tenant b. Only b's rows are marked, so there is no other way round. */
  readonly attacker?: TestTenant
  readonly victim?: TestTenant
  /** The same seed gives the same requests. Default: the time. */
  readonly seed?: string | number
  /** At least this many requests are sent. */
  readonly requests: number
  /** Requests at once. Default 16. */
  readonly concurrency?: number
  /** Where requests go. Default: into the platform in this process. Undefined for one that was given up. */
  readonly send?: (request: WireRequest) => Promise<WireReply | undefined>
  /** Return with the first finding, as it was seen. Default: go on, and make each as small as it gets. */
  readonly stopAtFirst?: boolean
  /** Restricts the routes. */
  readonly only?: (route: Route) => boolean
  /** People, keys and services of the attacker's, beside the actors of the test platform. The first may do the most. */
  readonly people?: readonly LeakActor[]
  /** The host name that names a tenant by its slug, where host names do. */
  readonly hostOf?: (slug: string) => string
  /** Routes whose answers hold what was asked before, by whomever of the attacker's: a log. */
  readonly remembers?: (route: Route) => boolean
  /** What an attack is meant to change beside the attacker's rows, in the words of a finding: the victim's log tells of who tried to sign in. */
  readonly meant?: (words: string) => boolean
}

export interface LeakReport {
  readonly seed: string
  readonly requests: number
  /** Pairs of requests whose answers were compared to the byte. */
  readonly compared: number
  /** Requests that were given up on this side. */
  readonly aborted: number
  readonly routes: number
  /** Routes that answered at least one request with 2xx: what is always refused was not tested. */
  readonly served: ReadonlySet<string>
  /** Requests by the status of their answer. */
  readonly statuses: ReadonlyMap<number, number>
  /** Requests of each actor, and how many of them were answered 2xx: who is always refused proves little. */
  readonly actors: ReadonlyMap<string, { readonly requests: number; readonly served: number }>
  /** Differences of calm batches that did not come again in quiet; should be none, for nothing else changed there. */
  readonly unconfirmed: readonly string[]
  readonly findings: readonly Finding[]
  readonly seconds: number
}

/** Requests between two looks at the stored rows. */
const BATCH = 600
const FIRST_BATCH = 150

/**
 * Attacks one tenant with full credentials of another: every route, parameter, header, cursor, filter, body field and id.
 * Nothing of the victim may come back, nothing of his may change, and an id of his must look like an id that nobody has.
 */
export async function leakFuzzer(options: LeakFuzzerOptions): Promise<LeakReport> {
  const { platform } = options
  if ((options.attacker ?? platform.a) !== platform.a || (options.victim ?? platform.b) !== platform.b) {
    throw new Error('tenant a attacks tenant b: only the rows of b are marked')
  }
  const arena = await arenaOf(platform)
  const knowledge = { ...arena.knowledge, people: options.people ?? [], hostOf: options.hostOf }
  return new LeakRun(options, { ...arena, knowledge }).run()
}

class LeakRun {
  readonly #options: LeakFuzzerOptions
  readonly #arena: Arena
  readonly #send: (request: WireRequest) => Promise<WireReply | undefined>
  readonly #routes: readonly Route[]
  readonly #names: ReadonlySet<string>
  readonly #seed: string
  readonly #findings: Finding[] = []
  readonly #suspects: { readonly probe: Probe; readonly words: string }[] = []
  readonly #unconfirmed: string[] = []
  readonly #statuses = new Map<number, number>()
  readonly #served = new Set<string>()
  readonly #actors = new Map<string, { requests: number; served: number }>()
  /** Since the rows were put back. */
  readonly #said: WireRequest[] = []
  /** All that was ever said, where some route tells of it. */
  readonly #told: string[] = []
  readonly #remembering: ReadonlySet<string>
  #requests = 0
  #compared = 0
  #aborted = 0

  constructor(options: LeakFuzzerOptions, arena: Arena) {
    this.#options = options
    this.#arena = arena
    this.#routes = options.platform.plinth.routes.filter((route) => options.only?.(route) ?? true)
    this.#send = unheld(options.platform.plinth.routes, options.send ?? options.platform.send)
    this.#names = new Set(this.#routes.map((route) => `${route.method} ${route.path}`))
    const remembers = options.remembers ?? ((): boolean => false)
    this.#remembering = new Set(this.#routes.filter(remembers).map(({ method, path }) => `${method} ${path}`))
    this.#seed = String(options.seed ?? Date.now())
  }

  async run(): Promise<LeakReport> {
    const startedAt = performance.now()
    await this.#restore()
    await this.#reachOwnRows()
    let number = 0
    for (let batch = 0; this.#requests < this.#options.requests && !this.#over(); batch += 1) {
      // Two calm batches, one wild.
      const mood = batch % 3 === 2 ? 'wild' : 'calm'
      const size = batch < 3 ? FIRST_BATCH : BATCH
      if (batch % 3 === 0) for (const person of this.#arena.knowledge.people) await person.renew?.()
      const probes = Array.from({ length: size }, (_, at) =>
        makeProbe(this.#routes, this.#arena.knowledge, this.#seed, number + at, mood),
      )
      number += size
      await this.#runBatch(probes, mood)
    }
    await this.#restore()
    return {
      seed: this.#seed,
      requests: this.#requests,
      compared: this.#compared,
      aborted: this.#aborted,
      routes: this.#routes.length,
      served: this.#served,
      statuses: this.#statuses,
      actors: this.#actors,
      unconfirmed: this.#unconfirmed,
      findings: this.#findings,
      seconds: (performance.now() - startedAt) / 1000,
    }
  }

  /** With people a process may go on for a second with what it knew of sessions and memberships: that second passes. */
  async #restore(): Promise<void> {
    const changed = await this.#arena.restore()
    this.#said.length = 0
    if (changed && this.#arena.knowledge.people.length > 0) await sleep(FRESH_MS + 1)
  }

  #over(): boolean {
    return this.#options.stopAtFirst === true && this.#findings.length > 0
  }

  async #runBatch(probes: readonly Probe[], mood: Mood): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      for (let probe = probes[next++]; probe && !this.#over(); probe = probes[next++]) await this.#attack(probe, mood)
    }
    await Promise.all(Array.from({ length: this.#options.concurrency ?? 16 }, worker))
    if (this.#over()) return
    // What was given up here may still run there.
    if (this.#aborted > 0) await this.#arena.quiet()
    this.#said.push(...probes.flatMap((probe) => [probe.request, decoyOf(probe)]))
    const wrong = await this.#wrongRows(this.#said)
    if (wrong.length > 0) this.#findings.push(await this.#blame(probes, wrong))
    for (const suspect of this.#suspects.splice(0)) if (!this.#over()) await this.#confirm(suspect, mood)
    if (mood === 'wild' || wrong.length > 0) await this.#restore()
  }

  async #wrongRows(said: readonly WireRequest[]): Promise<readonly string[]> {
    const { meant } = this.#options
    const wrong = await this.#arena.wrongRows(said)
    return meant ? wrong.filter((words) => !meant(words)) : wrong
  }

  async #attack(probe: Probe, mood: Mood): Promise<void> {
    const reply = await this.#ask(probe, probe.request)
    if (!reply) return
    this.#judge(probe, probe.request, reply)
    if (probe.pairs.length === 0) return
    const request = decoyOf(probe)
    const decoyReply = await this.#ask(probe, request)
    if (!decoyReply) return
    this.#judge(probe, request, decoyReply)
    // Where others change rows in between, only refusals must be the same.
    const refused = reply.status >= 400 && decoyReply.status >= 400
    // Nor where the first of the two is in the answer to the second.
    if ((mood === 'wild' || this.#remembering.has(probe.route)) && !refused) return
    // A key, slow work, or a place for exports, that another worker of the attacker has at this moment.
    if (isRunning(reply) || isRunning(decoyReply)) return
    this.#compared += 1
    const words = difference(probe, reply, decoyReply)
    if (words !== undefined) this.#suspects.push({ probe, words })
  }

  async #ask(probe: Probe, request: WireRequest): Promise<WireReply | undefined> {
    this.#requests += 1
    if (this.#remembering.size > 0) this.#told.push(heardFrom(request))
    const reply = await this.#send(request)
    if (!reply) this.#aborted += 1
    else {
      this.#statuses.set(reply.status, (this.#statuses.get(reply.status) ?? 0) + 1)
      if (reply.status < 300 && this.#names.has(probe.route)) this.#served.add(probe.route)
      const { requests, served } = this.#actors.get(probe.actor.name) ?? { requests: 0, served: 0 }
      this.#actors.set(probe.actor.name, { requests: requests + 1, served: served + Number(reply.status < 300) })
    }
    return reply
  }

  #judge(probe: Probe, request: WireRequest, reply: WireReply): void {
    const told = this.#remembering.has(probe.route) ? this.#told : []
    const found = judgeReply(request, reply, this.#arena.knowledge, told)
    if (found && !this.#over()) this.#findings.push({ ...found, probe: { ...probe, request }, reply })
  }

  /** A difference counts when it is there with nothing else running and every row in its place. */
  async #confirm(
    { probe: suspect, words: seen }: { readonly probe: Probe; readonly words: string },
    mood: Mood,
  ): Promise<void> {
    const words = await this.#differenceInQuiet(suspect)
    if (words === undefined) {
      // In a wild batch another worker may have changed the row between the two.
      if (mood === 'calm')
        this.#unconfirmed.push(`${suspect.request.method} ${suspect.request.target} (probe ${suspect.number}): ${seen}`)
      return
    }
    const still = async (probe: Probe): Promise<boolean> => (await this.#differenceInQuiet(probe)) !== undefined
    const probe = this.#options.stopAtFirst ? suspect : await shrinkProbe(suspect, still)
    this.#findings.push({ kind: 'distinguishable', words, probe })
  }

  async #differenceInQuiet(probe: Probe): Promise<string | undefined> {
    await this.#restore()
    const victims = await this.#answered(probe.request)
    await this.#restore()
    const nobodys = await this.#answered(decoyOf(probe))
    await this.#restore()
    return difference(probe, victims, nobodys)
  }

  /** Where requests are given up at random, this one is sent until it is not. */
  async #answered(request: WireRequest): Promise<WireReply> {
    for (;;) {
      const reply = await this.#send(request)
      if (reply) return reply
      await this.#arena.quiet()
      await this.#restore()
    }
  }

  /** Repeats a batch one by one until the rows are wrong again. */
  async #blame(probes: readonly Probe[], wrong: readonly string[]): Promise<Finding> {
    const words = wrong.slice(0, 5).join('\n')
    if (this.#options.stopAtFirst) return { kind: 'changed rows', words }
    for (const probe of probes) {
      if (!(await this.#changesRows(probe))) continue
      return { kind: 'changed rows', words, probe: await shrinkProbe(probe, (smaller) => this.#changesRows(smaller)) }
    }
    return { kind: 'changed rows', words: `${words}\n(no single request does it)` }
  }

  async #changesRows(probe: Probe): Promise<boolean> {
    await this.#restore()
    await this.#answered(probe.request)
    const changed = (await this.#wrongRows([probe.request])).length > 0
    await this.#restore()
    return changed
  }

  /** Without this a server that answers 404 to everything would pass. */
  async #reachOwnRows(): Promise<void> {
    const { attacker, attackerRows, registry } = this.#arena.knowledge
    for (const resource of registry.resources) {
      const id = attackerRows.get(resource.name)?.[0]?.id
      const paths = [
        ...(resource.operations.read && id ? [`/api/v1/${resource.path}/${id}`] : []),
        ...(resource.operations.list ? [`/api/v1/${resource.path}`] : []),
      ]
      for (const target of paths) {
        const reply = await this.#answered({
          method: 'GET',
          target,
          headers: [['authorization', `Bearer ${attacker.actors.full.token}`]],
        })
        const empty = reply.status === 200 && reply.body.startsWith('{"data":[]')
        if (reply.status !== 200 || empty)
          this.#findings.push({
            kind: 'vacuous',
            words: `GET ${target} answers ${reply.status} ${reply.body.slice(0, 100)}`,
          })
      }
    }
  }
}
