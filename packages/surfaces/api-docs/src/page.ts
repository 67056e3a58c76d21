import { html, type FeatureParts, type Html } from '@plinth/core'
import type { Asset } from './assets.ts'

interface PageParts {
  readonly parts: FeatureParts
  readonly title: string
  readonly styles: readonly Asset[]
  /** In the order in which they run. */
  readonly scripts: readonly Asset[]
}

/** Where the assets are; under `/api/v1` alone, which is there whether or not the platform has routes at the root. */
export const assetPath = (asset: Asset): string => `/api/v1/docs/assets/${asset.name}`

/** A page that shows the document. It holds no data itself: everything is in the document, which the scripts fetch. */
export function docsPage({ parts, title, styles, scripts }: PageParts): Html {
  const { basePath } = parts
  const url = (asset: Asset): string => `${basePath}${assetPath(asset)}`
  const document = `${basePath}/api/v1/openapi.json`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${parts.title} · ${title}</title>
        <link rel="icon" href="data:," />
        ${styles.map((style) => html`<link rel="stylesheet" href="${url(style)}" />`)}
        ${scripts.map((script) => html`<script defer src="${url(script)}"></script>`)}
      </head>
      <body>
        <div id="docs" data-document="${document}">
          <p class="waiting">
            ${title} of ${parts.title}. Without scripts, read the <a href="${document}">OpenAPI document</a> and the
            <a href="${basePath}/docs/errors">errors</a>.
          </p>
        </div>
      </body>
    </html> `
}
