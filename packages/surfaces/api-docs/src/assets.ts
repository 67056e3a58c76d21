import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Answer, PublicCall } from '@plinth/core'

// Beside src/ and beside dist/.
const folder = join(import.meta.dirname, '../assets')

/** A file that the pages load. Its name in the URL holds its hash, so whoever has it never needs to ask again. */
export interface Asset {
  readonly name: string
  readonly contentType: string
  readonly sha256: string
  /** Compressed; read once, at the first request. */
  readonly gzip: () => Promise<Uint8Array<ArrayBuffer>> | undefined
  readonly plain: () => Promise<Uint8Array<ArrayBuffer>>
}

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

/** A file out of the packages of Swagger UI and ReDoc, kept compressed. `vendor.json` says where it came from. */
export function vendored(file: string): Asset {
  const manifest = JSON.parse(readFileSync(join(folder, 'vendor.json'), 'utf8')) as readonly {
    readonly file: string
    readonly sha256: string
  }[]
  const found = manifest.find((each) => each.file === file)
  if (!found) throw new Error(`vendor.json has no ${file}`)
  const gzip = once(() => readFile(join(folder, `${file}.gz`)).then((bytes) => new Uint8Array(bytes)))
  return asset(file, found.sha256, { gzip, plain: async () => new Uint8Array(gunzipSync(await gzip())) })
}

/** A small file of ours. */
export function own(file: string): Asset {
  const bytes = new Uint8Array(readFileSync(join(folder, file)))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return asset(file, sha256, { gzip: () => undefined, plain: () => Promise.resolve(bytes) })
}

function asset(file: string, sha256: string, content: Pick<Asset, 'gzip' | 'plain'>): Asset {
  const dot = file.lastIndexOf('.')
  const extension = file.slice(dot + 1)
  return {
    ...content,
    name: `${file.slice(0, dot)}.${sha256.slice(0, 12)}.${extension}`,
    contentType: contentTypes[extension]!,
    sha256,
  }
}

/** The file itself, compressed for who takes it so. */
export async function answerAsset(asset: Asset, { headers }: Pick<PublicCall, 'headers'>): Promise<Answer> {
  const compressed = takesGzip(headers['accept-encoding']) ? asset.gzip() : undefined
  const etag = `"${asset.sha256.slice(0, 16)}${compressed ? '-gzip' : ''}"`
  const common = {
    'cache-control': 'public, max-age=31536000, immutable',
    'cross-origin-resource-policy': 'same-origin',
    etag,
    vary: 'Accept-Encoding',
  }
  if (headers['if-none-match']?.includes(etag)) return { status: 304, headers: common, body: null }
  return {
    status: 200,
    headers: {
      ...common,
      'content-type': asset.contentType,
      ...(compressed ? { 'content-encoding': 'gzip' } : {}),
    },
    body: await (compressed ?? asset.plain()),
  }
}

/** RFC 9110 §12.5.3, as far as gzip is concerned; `gzip;q=0` refuses it. */
function takesGzip(header: string | undefined): boolean {
  const given = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([\d.]+))?\s*(?=,|$)/i.exec(header ?? '')
  return given !== null && Number(given[1] ?? 1) > 0
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    // A failure (the file is being replaced) is not kept.
    running ??= work().catch((error: unknown) => {
      running = undefined
      throw error
    })
    return running
  }
}
