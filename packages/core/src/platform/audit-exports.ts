// What others use to tell the audit log: `index.ts` hands on these names and no others.
export {
  audited,
  auditedByPlatform,
  auditedSystem,
  auditRefusal,
  type AuditedAct,
  type AuditedCall,
} from './audited.ts'
export { auditDenial, type DeniedWork } from './audit-denial.ts'
