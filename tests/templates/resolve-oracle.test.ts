import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { RawRow, Session } from '@plinth/core'
import { readDeclaration } from '../../packages/core/src/platform/read-declaration.ts'
import type { TemplateLink } from '../../packages/core/src/template/link.ts'
import { resolveRows } from '../../packages/core/src/template/resolve-rows.ts'
import { differences, provenanceOf } from '../../packages/core/src/template/resolve.ts'
import { printPin } from '../../packages/core/src/template/level.ts'
import { fold, leafMap, leaves, levelOf, patches, pointerOf, type Json, type Obj } from './oracle.ts'
import { leafTemplates, treeResources } from './tree-resources.ts'

const registry = readDeclaration(treeResources, [], [])
const link: TemplateLink = registry.templates.ofTemplate.get(registry.byTable.get(leafTemplates)!)!

/** Templates as a table holds them, read by id as the database reads them. */
function sessionOf(rows: ReadonlyMap<string, RawRow>, count: { statements: number }): Session {
  const list: Session['list'] = ({ where, limit }) => {
    if (where.kind !== 'in') throw new Error('templates are read by their ids')
    count.statements += 1
    expect(limit).toBe(where.values.length)
    return Promise.resolve(where.values.map((id) => rows.get(String(id))).filter((row) => row !== undefined))
  }
  return { list } as Session
}

/** A tree: each template with the number of its parent, which comes before it; none lies deeper than six. */
const trees = fc
  .array(fc.record({ defaults: patches, parent: fc.nat(), root: fc.boolean() }), { minLength: 1, maxLength: 10 })
  .map((drafts) => {
    const depths: number[] = []
    return drafts.map(({ defaults, parent, root }, at) => {
      const above = at === 0 || root ? undefined : parent % at
      const fits = above !== undefined && depths[above]! < 6
      depths.push(fits ? depths[above]! + 1 : 1)
      return { defaults, parent: fits ? above : undefined }
    })
  })
const instances = fc.array(
  fc.record({ template: fc.option(fc.nat(), { nil: undefined }), params: patches, pinned: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 6,
  },
)

test('3,000 random trees resolve as the oracle says, value and source, in a statement a generation', async () => {
  let deepest = 0
  await fc.assert(
    fc.asyncProperty(trees, instances, async (tree, drafts) => {
      const chainOf = (at: number | undefined): readonly number[] =>
        at === undefined ? [] : [...chainOf(tree[at]!.parent), at]
      const rows = new Map(
        tree.map(({ defaults, parent }, at): [string, RawRow] => [
          `t${at}`,
          {
            id: `t${at}`,
            version: at + 1,
            parentTemplateId: parent === undefined ? null : `t${parent}`,
            sharedParent: null,
            defaults: JSON.stringify(defaults),
          },
        ]),
      )
      const raw = drafts.map(({ template, params, pinned }, at): RawRow => {
        const chain = chainOf(template === undefined ? undefined : template % tree.length)
        const levels = chain.map((each, place) => ({
          source: place === chain.length - 1 ? ('template' as const) : ('parent' as const),
          template: `t${each}`,
          version: String(each + 1),
          values: tree[each]!.defaults,
        }))
        return {
          id: `i${at}`,
          version: 1,
          templateId: chain.length === 0 ? null : `t${chain.at(-1)!}`,
          sharedTemplate: null,
          params: JSON.stringify(params),
          inheritance: pinned ? 'pinned' : 'live',
          pinnedLevels: pinned ? printPin(levels) : null,
        }
      })
      const count = { statements: 0 }
      const resolutions = await resolveRows(link, raw, sessionOf(rows, count))
      const depth = Math.max(
        0,
        ...drafts.map(({ template, pinned }) =>
          template === undefined || pinned ? 0 : chainOf(template % tree.length).length,
        ),
      )
      deepest = Math.max(deepest, depth)
      expect(count.statements).toBeLessThanOrEqual(depth)
      for (const [at, { template, params }] of drafts.entries()) {
        const chain = chainOf(template === undefined ? undefined : template % tree.length)
        const levels = [...chain.map((each) => tree[each]!.defaults), params]
        const resolution = resolutions[at]!
        expect(resolution.faults).toEqual([])
        expect(resolution.value).toEqual(fold(levels))
        const said = provenanceOf(resolution).map(({ path, value, from }) => [path, value, from])
        const meant = leaves(fold(levels)).map(([path, value]) => [
          pointerOf(path),
          value,
          levelOf(levels, path, value),
        ])
        expect(new Map(said.map((each) => [each[0], each]))).toEqual(new Map(meant.map((each) => [each[0], each])))
      }
    }),
    { numRuns: 3_000 },
  )
  expect(deepest).toBeGreaterThanOrEqual(4)
}, 120_000)

test('5,000 random pairs: the differences lead from one to the other, and name nothing else', async () => {
  const resolve = async (params: Obj) => {
    const row: RawRow = {
      id: 'i',
      version: 1,
      templateId: null,
      sharedTemplate: null,
      params: JSON.stringify(params),
      inheritance: 'live',
    }
    return (await resolveRows(link, [row], sessionOf(new Map(), { statements: 0 })))[0]!
  }
  await fc.assert(
    fc.asyncProperty(patches, patches, async (a, b) => {
      const [before, after] = [await resolve(a), await resolve(b)]
      const [from, to] = [leafMap(before.value as Json), leafMap(after.value as Json)]
      const changed = new Map<string, readonly [Json | undefined, Json | undefined]>()
      for (const path of new Set([...from.keys(), ...to.keys()])) {
        const pair = [from.get(path), to.get(path)] as const
        if (JSON.stringify(pair[0]) !== JSON.stringify(pair[1])) changed.set(path, pair)
      }
      const found = differences(before, after)
      expect(new Map(found.map((each) => [each.path, [each.before, each.after]]))).toEqual(changed)
    }),
    { numRuns: 5_000 },
  )
}, 120_000)

test('the schema of these params takes any object', () => {
  expect(z.object({ params: link.params }).safeParse({ params: { a: [1] } }).success).toBe(true)
})
