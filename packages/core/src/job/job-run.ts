/** What a job knows of its run while it does slow work. */
export interface JobSignals {
  readonly id: string
  /** Of `attempts`, from 1. */
  readonly attempt: number
  readonly attempts: number
  /** Aborted when the job is cancelled, its time is over or its process goes. What has been written by then is rolled back. */
  readonly signal: AbortSignal
  /**
   * How far it is, from 0 to 1, for whoever looks at `/jobs/:id`. Kept now and then, not each time.
   * @throws RangeError
   */
  progress(fraction: number, note?: string): void
}

export interface JobRun<R = undefined> extends JobSignals {
  /** What `outside` came to. */
  readonly outside: R
}
