import { inSchemas } from './open-platform.ts'

// What holds where tenants share tables holds where each has a schema of its own: the same tests once more.
inSchemas()
await import('./crud.test.ts')
await import('./soft-delete.test.ts')
await import('./bulk-and-clear.test.ts')
await import('./hooks.test.ts')
await import('./idempotency.test.ts')
await import('./order-of-answers.test.ts')
await import('./groups.test.ts')
await import('./templates.test.ts')
await import('./compat.test.ts')
