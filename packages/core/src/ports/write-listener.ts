/** @param written tenant and name of a resource; undefined where others may have written anything meanwhile */
export type WriteListener = (written: { readonly tenantId: string; readonly resource: string } | undefined) => void
