import { defineResource } from '@plinth/core'
import { siteUrl } from '../check/site-url.ts'
import { sites } from '../schema.ts'

/** @param options.allowPrivate LOOKOUT_ALLOW_PRIVATE: may an agency watch an address that only this server reaches? */
export const siteResource = (options: { readonly allowPrivate: boolean }) =>
  defineResource({
    table: sites,
    description: "A client's web site that the agency looks after",
    fields: {
      name: { schema: (name) => name.trim().min(1).max(120), search: true, filter: true, sort: true },
      url: {
        schema: siteUrl(options.allowPrivate),
        search: true,
        filter: true,
        description: 'Where the site begins: https://client.example',
      },
      notes: { schema: (notes) => notes.max(10_000), description: 'Whom to call, what to know' },
      monthlyFee: {
        schema: (fee) => fee.min(0),
        filter: true,
        sort: true,
        restricted: true,
        description: 'What the client pays a month, in cents',
      },
    },
    actions: {
      // Nobody gets them back, so not whoever finds a browser left open.
      forget: {
        description: 'Throw the notes away, for good',
        fresh: '10m',
        run: (ctx, site) => ctx.update(sites, site.id, { notes: null }),
      },
    },
  })
