/** What a server is told on its command line, as one JSON argument. */
export interface ServerSetting {
  readonly databaseUrl: string
  readonly tenants: readonly BenchTenant[]
  /** What else this server can be told; each knows its own. */
  readonly variant: string
}

export interface BenchTenant {
  readonly id: string
  readonly slug: string
  readonly token: string
}

/** From the benchmark to a server. */
export type Question = 'usage' | 'stop'

/** From a server to the benchmark. */
export type Report =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'usage'; readonly cpuUs: number; readonly rssMb: number }
