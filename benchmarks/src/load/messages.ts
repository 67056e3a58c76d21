/** From the benchmark to the load generator. */
export type LoadCommand =
  | { readonly kind: 'open'; readonly port: number; readonly connections: number; readonly plan: LoadPlan }
  | { readonly kind: 'run'; readonly seconds: number }
  | { readonly kind: 'close' }

/** What each connection sends, one request after the answer to the one before. */
export type LoadPlan =
  | { readonly kind: 'fixed'; readonly requests: readonly PlannedRequest[] }
  /** Each connection renames rows of its own, each time with the ETag of the answer before. */
  | { readonly kind: 'rename'; readonly rows: readonly PlannedRow[] }

export interface PlannedRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Sent as `Authorization: Bearer …`; undefined for requests that bring another credential. */
  readonly token: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface PlannedRow {
  readonly path: string
  readonly token: string
  readonly etag: string
}

export interface LoadResult {
  readonly requests: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Connections that broke. */
  readonly broken: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU of the load generator itself: counted to no server. */
  readonly cpuUs: number
}

/** From the load generator to the benchmark: the command is done. */
export type LoadReport = { readonly kind: 'done' } | { readonly kind: 'result'; readonly result: LoadResult }
