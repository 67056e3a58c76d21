import { defineResource, type Resource } from '@plinth/core'
import { aclEntries } from './acl-table.ts'

/** What is allowed or denied on single rows, or all. Read like any resource; made and deleted by routes of their own. */
export function aclResource(): Resource {
  return defineResource({
    table: aclEntries,
    name: 'aclEntry',
    path: 'acl',
    description: 'One subject may, or may not, do something with one row or all of a model, whatever its roles say',
    operations: { create: false, update: false, delete: false, bulk: false },
    fields: {
      model: { filter: true, sort: true, description: 'The resource that it is about: site' },
      action: { filter: true, sort: true, description: 'One action of the model, or * for every one' },
      recordId: { filter: true, description: 'The row that it is about; null is every row of the model' },
      subjectKind: { filter: true, description: 'What the subject is' },
      subjectId: { filter: true, description: 'Its id; of a role its name' },
      effect: { filter: true, description: 'deny wins over allow, and over every role but one that is always allowed' },
    },
  }) as unknown as Resource
}
