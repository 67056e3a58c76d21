// Writes assets/ again: the files of Swagger UI and ReDoc that a browser needs, out of the packages of the registry.
// Neither is a dependency: swagger-ui-dist brings a package that reports its installations, redoc some eighty that only a build
// needs. To renew: change a version here, run `node scripts/vendor.ts`, commit what it wrote.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

interface Source {
  readonly package: string
  readonly version: string
  readonly licence: string
  /** File in the package → name in assets/. */
  readonly files: Readonly<Record<string, string>>
  readonly texts: Readonly<Record<string, string>>
}

const sources: readonly Source[] = [
  {
    package: 'swagger-ui-dist',
    version: '5.35.0',
    licence: 'Apache-2.0',
    files: { 'swagger-ui-bundle.js': 'swagger-ui-bundle.js', 'swagger-ui.css': 'swagger-ui.css' },
    texts: {
      LICENSE: 'swagger-ui.LICENSE.txt',
      NOTICE: 'swagger-ui.NOTICE.txt',
      'swagger-ui-bundle.js.LICENSE.txt': 'swagger-ui-bundle.js.LICENSE.txt',
    },
  },
  {
    // 3.x sends traces to its makers by default, and offers every page to two chat services.
    package: 'redoc',
    version: '2.5.4',
    licence: 'MIT',
    files: { 'bundles/redoc.standalone.js': 'redoc.standalone.js' },
    texts: {
      LICENSE: 'redoc.LICENSE.txt',
      'bundles/redoc.standalone.js.LICENSE.txt': 'redoc.standalone.js.LICENSE.txt',
    },
  },
]

/** What is changed in a file: the one picture that ReDoc fetches from elsewhere. An empty one takes itself away. */
const changes: Readonly<Record<string, readonly [string, string]>> = {
  'redoc.standalone.js': ['https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,'],
}

const assets = join(import.meta.dirname, '../assets')
const scratch = mkdtempSync(join(tmpdir(), 'plinth-vendor-'))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const manifest: object[] = []
try {
  for (const source of sources) {
    const name = `${source.package}@${source.version}`
    const packed = execFileSync('npm', ['pack', name, '--json', '--silent'], { cwd: scratch, encoding: 'utf8' })
    const [{ filename, integrity }] = JSON.parse(packed) as [{ filename: string; integrity: string }]
    const folder = join(scratch, source.package)
    mkdirSync(folder)
    execFileSync('tar', ['-xzf', join(scratch, filename), '-C', folder, '--strip-components=1'])
    for (const [from, to] of Object.entries(source.texts)) {
      writeFileSync(join(assets, to), readFileSync(join(folder, from), 'utf8'))
    }
    for (const [from, to] of Object.entries(source.files)) {
      const original = readFileSync(join(folder, from))
      const served = changed(to, original)
      writeFileSync(join(assets, `${to}.gz`), gzipSync(served, { level: 9 }))
      manifest.push({
        file: to,
        package: source.package,
        version: source.version,
        licence: source.licence,
        integrity,
        from,
        sha256OfOriginal: sha256(original),
        sha256: sha256(served),
      })
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}
writeFileSync(join(assets, 'vendor.json'), `${JSON.stringify(manifest, null, 2)}\n`)

function changed(file: string, original: Buffer): Buffer {
  const change = changes[file]
  if (!change) return original
  const parts = original.toString('utf8').split(change[0])
  if (parts.length !== 2) throw new Error(`${file} holds ${change[0]} ${parts.length - 1} times: read it again`)
  return Buffer.from(parts.join(change[1]))
}
