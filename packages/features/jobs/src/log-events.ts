/** The names of this feature's log lines. */
export const jobLogEvents = {
  jobCompleted: 'job_completed',
  jobFailed: 'job_failed',
  jobDead: 'job_dead',
  jobGivenBack: 'job_given_back',
  jobVoid: 'job_void',
  scheduleFailed: 'job_schedule_failed',
  jobsParted: 'jobs_parted',
  moverInterrupted: 'job_mover_interrupted',
  watchInterrupted: 'job_watch_interrupted',
  workerInterrupted: 'job_worker_interrupted',
  workerStarted: 'job_worker_started',
  workerStopped: 'job_worker_stopped',
} as const
