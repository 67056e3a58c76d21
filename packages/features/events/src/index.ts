export { events } from './events.ts'
export type { EventsOptions } from './events.ts'
