import type { ErrorDefinition } from './registry.ts'

/** Where an error is explained; its `type`. */
export function errorType(base: string, code: string): string {
  return `${base}/docs/errors/${code}`
}

/** An answer with this error, as it may look. */
export function exampleProblem(base: string, code: string, definition: ErrorDefinition): object {
  return {
    type: errorType(base, code),
    title: definition.title,
    status: definition.status,
    code,
    requestId: '01941f29-7c00-7aaa-8bbb-0123456789ab',
    ...(code === 'validation_failed' ? { errors: [{ path: '/name', code: 'required', message: 'Required' }] } : {}),
  }
}
