import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArchive, type ArchivePlatform } from './open-archive.ts'

/*
 * Memory while a large tenant goes out and comes in: `npm run archive -- --rows 100000`. Six kilobytes a row, so that all of them
 * together are many times what may be held.
 */

const rows = Number(process.env['PLINTH_ARCHIVE_ROWS'] ?? 5_000)
const MB = 1_048_576
/** Rows and texts: a few batches. Measured with 40,000 rows: 4 MB out, 2 MB in, at the end as at the beginning. */
const MOST_HEAP = 12 * MB
/** Buffers of pipeline and driver, with those that nobody has but that are not given back yet: 35 MB, however many rows. */
const MOST_BUFFERS = 64 * MB

let platform: ArchivePlatform
const folder = mkdtempSync(join(tmpdir(), 'plinth-large-'))
const file = join(folder, 'large.plinth')
beforeAll(async () => {
  platform = await openArchive()
  await platform.stored(
    `insert into crates (tenant_id, id, title, label, pieces, trail)
     select $1::uuid, gen_random_uuid(), 'crate ' || n, 'label ' || n, n, to_json(repeat(md5(n::text), 192))
     from generate_series(1, $2::text::int) n`,
    [platform.a.id, String(rows)],
  )
}, 600_000)
afterAll(async () => {
  await platform.close()
  rmSync(folder, { recursive: true })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
interface Held {
  readonly heap: number
  readonly buffers: number
}

/** What is alive now, without what waits to be collected. */
function alive(): Held {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed, buffers: external }
}

/** The most that was alive beyond the beginning, looked at thirty times. */
function watch(): { readonly look: (progress: { readonly rows: number }) => void; readonly most: () => Held } {
  const before = alive()
  let most: Held = { heap: 0, buffers: 0 }
  let next = 0
  return {
    look(progress) {
      if (progress.rows < next) return
      next = progress.rows + rows / 30
      const now = alive()
      most = {
        heap: Math.max(most.heap, now.heap - before.heap),
        buffers: Math.max(most.buffers, now.buffers - before.buffers),
      }
    },
    most: () => most,
  }
}

function inWords({ heap, buffers }: Held): string {
  return `at most ${(heap / MB).toFixed(1)} MB of rows and ${(buffers / MB).toFixed(1)} MB of buffers held`
}

test('the file is large, and what is held is not: out', async () => {
  const watching = watch()
  const report = await platform.tenancy.archive.export(platform.a.slug, createWriteStream(file), {
    onProgress: watching.look,
  })
  expect(report.rows).toBeGreaterThanOrEqual(rows)
  expect(watching.most().heap).toBeLessThan(MOST_HEAP)
  expect(watching.most().buffers).toBeLessThan(MOST_BUFFERS)
  process.stdout.write(
    `out: ${rows} rows, ${Math.round(statSync(file).size / MB)} MB packed, ${inWords(watching.most())}\n`,
  )
}, 3_600_000)

test('and in', async () => {
  const watching = watch()
  const report = await platform.tenancy.archive.import(() => createReadStream(file), {
    as: 'large',
    onProgress: watching.look,
  })
  expect(report.rows).toBeGreaterThanOrEqual(rows)
  expect(watching.most().heap).toBeLessThan(MOST_HEAP)
  expect(watching.most().buffers).toBeLessThan(MOST_BUFFERS)
  process.stdout.write(`in: ${inWords(watching.most())}\n`)
  const [count] = await platform.stored('select count(*)::int as n from crates where tenant_id = $1::uuid', [
    report.tenant.id,
  ])
  expect(count).toEqual({ n: rows })
}, 3_600_000)
