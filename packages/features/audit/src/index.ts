export { audit } from './audit.ts'
export type { AuditFeature } from './audit.ts'
