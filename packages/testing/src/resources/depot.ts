import { defineResource, type ReadingContext, type Resource, type Row } from '@plinth/core'
import { z } from 'zod'
import { berths, crates, documents, folders, letters, manifests, prices, stowages, vaults } from './depot-tables.ts'

const found = { filter: true, sort: true } as const

export const crate = defineResource({
  table: crates,
  description: 'A crate: one column of every kind',
  links: { vaults: stowages },
  compat: true,
  fields: {
    title: { schema: (title) => title.min(1).max(200), search: true, ...found },
    label: { schema: (label) => label.min(1), search: true, ...found },
    dockCode: found,
    state: { filter: true },
    mood: found,
    shelf: found,
    pieces: { schema: (pieces) => pieces.min(0), ...found },
    weight: found,
    serial: found,
    price: found,
    ratio: found,
    tilt: found,
    fragile: { filter: true },
    dueAt: found,
    seenAt: found,
    localAt: found,
    day: found,
    opensAt: found,
    beacon: found,
  },
  actions: {
    seal: {
      description: 'Seals the crate',
      run: (ctx, row) => ctx.update(crates, row.id, { state: 'sealed' }),
    },
    weigh: {
      input: z.object({ weight: z.number().int().min(0).max(1_000_000) }),
      // Between two transactions, as a call to a scale on the network would be.
      outside: async (row: Row<typeof crates>, input: { weight: number }) => ({
        weight: input.weight,
        pieces: row.pieces,
      }),
      run: (ctx, row, measured) => ctx.update(crates, row.id, { weight: measured.weight }),
    },
    contents: {
      readOnly: true,
      output: z.object({ id: z.string(), documents: z.number() }),
      run: async (ctx, row) => ({
        id: row.id,
        documents: (await ctx.list(documents, { where: { crateId: row.id } })).length,
      }),
    },
  },
})

export const folder = defineResource({
  table: folders,
  fields: { name: { search: true, ...found }, parentId: { filter: true } },
})

export const document = defineResource({
  table: documents,
  fields: {
    title: { schema: (title) => title.min(1).max(300), search: true, ...found },
    body: { search: true },
    docKey: { immutable: true, filter: true },
    authorEmail: { personal: 'email', filter: true },
    passphrase: { secret: true },
    internalNote: { hidden: true },
    reviewedBy: { readOnly: true, ...found },
    pages: { schema: (pages) => pages.min(1), ...found },
  },
  actions: {
    move: {
      description: 'Moves the document into another folder',
      input: z.object({ folderId: z.uuid() }),
      // The id in the input is a stranger's word: `read` is what refuses another tenant's folder.
      run: async (ctx, row, input) => {
        const target = await ctx.read(folders, input.folderId)
        return ctx.update(documents, row.id, { folderId: target.id })
      },
    },
    quote: {
      description: 'Copies the body of another document into this one',
      input: z.object({ documentId: z.uuid(), shout: z.boolean().optional() }),
      run: async (ctx, row, input) => {
        const source = await ctx.read(documents, input.documentId)
        return ctx.update(documents, row.id, { body: input.shout ? source.body?.toUpperCase() : source.body })
      },
    },
    review: {
      description: 'Compares with another document, outside of any transaction, and keeps who said so',
      input: z.object({ documentId: z.uuid() }),
      // Parameters say their types: left open, TypeScript would take the input for the result that `run` gets.
      outside: async (
        row: Row<typeof documents>,
        input: { documentId: string },
        _signal: AbortSignal,
        ctx: ReadingContext,
      ) => {
        const other = await ctx.read(documents, input.documentId)
        const listed = await ctx.list(documents, { where: { folderId: row.folderId }, limit: 10 })
        return `${ctx.principal.name}: ${other.title}, one of ${listed.length}`
      },
      run: (ctx, row, verdict) => ctx.update(documents, row.id, { reviewedBy: verdict }),
    },
    siblings: {
      readOnly: true,
      output: z.object({ titles: z.array(z.string()) }),
      run: async (ctx, row) => {
        const rows = await ctx.list(documents, { where: { folderId: row.folderId }, sort: ['title'], limit: 50 })
        return { titles: rows.map((each) => each.title) }
      },
    },
    supersede: {
      description: 'Writes a follower and deletes this one: two writes, all or nothing',
      input: z.object({ title: z.string().min(1) }),
      output: z.object({ id: z.string() }),
      run: async (ctx, row, input) => {
        const { docKey, folderId, crateId } = row
        const follower = await ctx.create(documents, { title: input.title, docKey, folderId, crateId })
        await ctx.delete(documents, row.id)
        return { id: follower.id }
      },
    },
  },
})

export const vault = defineResource({
  table: vaults,
  strict: true,
  links: { crates: stowages },
  fields: { name: { search: true, ...found }, pin: { secret: true, schema: (pin) => pin.min(4) } },
})

export const price = defineResource({
  table: prices,
  operations: { create: false, update: false, delete: false },
  fields: { article: { search: true, ...found }, cents: found },
})

export const letter = defineResource({
  table: letters,
  operations: { read: false, list: false, update: false },
  fields: { words: { personal: 'text' } },
})

export const stowage = defineResource({ table: stowages })

export const manifest = defineResource({ table: manifests, fields: { title: { search: true } } })

export const berth = defineResource({
  table: berths,
  actions: {
    assign: {
      description: 'Takes the berth for another manifest',
      input: z.object({ manifestId: z.string() }),
      // A number that anybody can guess: `read` is what refuses another tenant's manifest.
      run: async (ctx, row, input) => {
        const target = await ctx.read(manifests, input.manifestId)
        return ctx.update(berths, row.id, { manifestId: target.id })
      },
    },
  },
})

/**
 * Nine resources that together have every column kind, kind of key, fact, kind of reference, switched-off operation and kind
 * of action.
 */
export const depot: readonly Resource[] = [crate, folder, document, vault, stowage, price, letter, manifest, berth]
