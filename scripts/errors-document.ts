import { coreErrors, type ErrorDefinition } from '../packages/core/src/index.ts'
import { authErrors } from '../packages/features/auth/src/errors.ts'
import { jobErrors } from '../packages/features/jobs/src/job-errors.ts'
import { rbacErrors } from '../packages/features/rbac/src/rbac-errors.ts'
import { tenancyErrors } from '../packages/features/tenants/src/tenancy-errors.ts'
import { webhookErrors } from '../packages/features/webhooks/src/webhook-errors.ts'

/** Every code that Plinth answers with, the core's first. */
export const allErrors: Readonly<Record<string, ErrorDefinition>> = {
  ...coreErrors,
  ...authErrors,
  ...jobErrors,
  ...rbacErrors,
  ...tenancyErrors,
  ...webhookErrors,
}

/** `docs/errors.md` as it must be: made from the registries, so that it cannot tell anything else. */
export function errorsDocument(): string {
  const entries = Object.entries(allErrors)
  const sections = entries.map(
    ([code, { status, title, help }]) => `## ${code}\n\n**${status}** · ${title}\n\n${help}\n`,
  )
  return `# Errors

Made from the registries of the core and of the features; do not edit. To write it again: \`node scripts/write-errors.ts\`.

Every error is \`application/problem+json\` (RFC 9457). \`code\` is stable and meant for programs, \`title\` and \`detail\` for people;
\`requestId\` is in the log too. Faults of the input are in \`errors\`, each with a JSON pointer (or \`?parameter\`), a code and a message:

\`\`\`json
{
  "type": "/docs/errors/validation_failed",
  "title": "The input is not valid",
  "status": 400,
  "code": "validation_failed",
  "requestId": "01941f29-7c00-7aaa-8bbb-0123456789ab",
  "errors": [{ "path": "/name", "code": "required", "message": "Required" }]
}
\`\`\`

A row of another tenant, a row that you may not see and a row that never was answer with the same \`not_found\`.

${sections.join('\n')}`
}
