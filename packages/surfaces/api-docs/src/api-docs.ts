import { publicPage, type Feature, type FeatureParts, type PublicRoute } from '@plinth/core'
import { answerAsset, own, vendored } from './assets.ts'
import { assetPath, docsPage } from './page.ts'

/**
 * The documentation of the API: `/docs` is Swagger UI, `/redoc` ReDoc, under `/api/v1` and, unless `root: false`, at the root.
 * Both show the OpenAPI document of the platform, and load nothing from anywhere else.
 */
export function apiDocs(): Feature {
  return { name: 'api-docs', routes }
}

const facts = {
  method: 'GET',
  public: true,
  tag: 'about',
  origin: 'platform',
  unlisted: true,
  errors: [],
  answers: [],
} as const

/**
 * The style elements that ReDoc makes, by their hashes: an empty one, which it fills through the CSSOM, and that of its scroll
 * bars. They belong to the version in vendor.json; the browser test fails when they are others.
 */
const redocStyles = [
  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
  "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
]

function routes(parts: FeatureParts): readonly PublicRoute[] {
  const swaggerUi = {
    path: '/docs',
    summary: 'The API to try out (Swagger UI)',
    title: 'API',
    styles: [vendored('swagger-ui.css'), own('docs.css')],
    scripts: [vendored('swagger-ui-bundle.js'), own('start-swagger-ui.js')],
    allow: "script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'",
  }
  const redoc = {
    path: '/redoc',
    summary: 'The API to read (ReDoc)',
    title: 'API reference',
    styles: [own('docs.css')],
    scripts: [vendored('redoc.standalone.js'), own('start-redoc.js')],
    allow: `script-src 'self'; style-src 'self' ${redocStyles.join(' ')}; img-src data:; connect-src 'self'; worker-src blob:`,
  }
  const assets = new Map(
    [swaggerUi, redoc].flatMap(({ styles, scripts }) => [...styles, ...scripts]).map((asset) => [asset.name, asset]),
  )
  return [
    ...[swaggerUi, redoc].flatMap(({ path, summary, allow, ...page }) => {
      const body = docsPage({ parts, ...page })
      return ['/api/v1', ...(parts.root ? [''] : [])].map((at): PublicRoute => ({
        ...facts,
        path: `${at}${path}`,
        operationId: path.slice(1),
        summary,
        handle: (call) => publicPage(call, { allow, body }),
      }))
    }),
    // A route for each file, and no other: there is no name in the path that could lead elsewhere.
    ...[...assets.values()].map((asset): PublicRoute => ({
      ...facts,
      path: assetPath(asset),
      operationId: `docsAsset ${asset.name}`,
      summary: 'A file of the documentation',
      handle: (call) => answerAsset(asset, call),
    })),
  ]
}
