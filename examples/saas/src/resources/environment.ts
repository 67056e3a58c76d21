import { defineResource } from '@plinth/core'
import { siteUrl } from '../check/site-url.ts'
import { environmentParams } from '../params.ts'
import { environments } from '../schema.ts'

/** @param options.allowPrivate LOOKOUT_ALLOW_PRIVATE */
export const environmentResource = (options: { readonly allowPrivate: boolean }) =>
  defineResource({
    table: environments,
    description: 'Where a site runs besides the address that its visitors know',
    fields: {
      siteId: { filter: true },
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      stage: { filter: true, sort: true },
      url: { schema: siteUrl(options.allowPrivate), description: 'Where it begins: https://staging.client.example' },
    },
    template: { params: environmentParams },
  })
