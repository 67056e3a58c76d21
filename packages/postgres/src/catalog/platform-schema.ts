import type { Catalog, CatalogFunction, CatalogSchema, CatalogTable } from './catalog.ts'

/** The schema `plinth` as `schema/platform.json` holds it: what reviewers read, and what a fresh migration is compared with. */
export interface PlatformSchema {
  readonly schema: CatalogSchema | undefined
  readonly tables: readonly Omit<CatalogTable, 'written'>[]
  readonly functions: readonly CatalogFunction[]
}

function withoutContent({ written, ...table }: CatalogTable): Omit<CatalogTable, 'written'> {
  void written
  return table
}

export function platformSchema(catalog: Catalog): PlatformSchema {
  return {
    schema: catalog.schemas.find((schema) => schema.name === 'plinth'),
    tables: catalog.tables.filter((table) => table.schema === 'plinth').map(withoutContent),
    functions: catalog.functions.filter((found) => found.schema === 'plinth'),
  }
}
