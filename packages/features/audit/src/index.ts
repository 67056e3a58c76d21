export { audit } from './audit.ts'
export type { AuditFeature } from './audit.ts'
export type { ChainFault, ChainVerdict } from './verify/chain-verifier.ts'
