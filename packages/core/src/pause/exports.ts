// What others see of waiting: `index.ts` hands on these names and no others.
export { Pause } from './pause.ts'
export { settledWithin } from './settled-within.ts'
