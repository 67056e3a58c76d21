import type { Parameter } from '../drivers/driver.ts'

/** Collects the parameters of one statement while its text is printed. */
export class Statement {
  readonly parameters: Parameter[]

  /** @param parameters those that stand at fixed places, from $1 on */
  constructor(parameters: Parameter[]) {
    this.parameters = parameters
  }

  /** Takes a value and gives the placeholder that stands for it: `$4`. */
  add(value: Parameter): string {
    this.parameters.push(value)
    return `$${this.parameters.length}`
  }
}

/** How often the same text comes again, and so whether it is worth a prepared statement. */
export type Shape =
  /** One of a few texts per resource. */
  | 'fixed'
  /** Chosen by a stranger in part (filter, sort, which columns are set). */
  | 'varied'
  /** Never prepared: a cursor's statements mean another cursor each time, the moving of a tenant happens once. */
  | 'once'

/** A statement ready to run. */
export interface Printed {
  readonly text: string
  readonly parameters: readonly Parameter[]
  readonly shape: Shape
}
