import type { StartupFault } from '../errors/startup-error.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { AnyTemplateFacts } from './facts.ts'
import { verifyParams, verifyShared } from './verify-facts.ts'

/** Two resources that belong together, before they are linked. */
export interface LinkDraft {
  readonly instance: ResourceInfo
  readonly template: ResourceInfo
  readonly facts: AnyTemplateFacts
}

const instanceColumns = ['templateId', 'sharedTemplate', 'params', 'inheritance', 'pinnedLevels'] as const
const templateColumns = ['parentTemplateId', 'sharedParent', 'defaults'] as const

/** Finds which resources come from which templates, and every fault in how they say so. Sound pairs alone are returned. */
export function verifyTemplates(described: readonly ResourceInfo[], faults: StartupFault[]): readonly LinkDraft[] {
  const drafts: LinkDraft[] = []
  for (const instance of described) {
    const before = faults.length
    const facts = instance.declaration.template
    if (!facts) {
      refuseBareColumns(instance, faults)
      continue
    }
    const path = `resource ${instance.name}.template`
    verifyColumns(path, instance, faults)
    const to = instance.byKey.get('templateId')?.reference?.to()
    // A table that is no resource is a fault of the reference, found there.
    const template = described.find((each) => each.table === to)
    if (template) {
      verifyTemplateTable(path, instance, template, faults)
      const other = drafts.find((draft) => draft.template === template)
      if (other) {
        faults.push({
          path,
          problem: `${other.instance.name} comes from ${template.path} already, and their defaults have one schema only`,
          fix: `...templated(() => ${instance.name}Templates), a table of its own`,
        })
      }
      verifyActions(instance, ['provenance', 'resync'], faults)
      verifyActions(template, ['provenance', 'clone'], faults)
    }
    if (verifyParams(`${path}.params`, facts.params, faults)) verifyShared(`${path}.shared`, facts, faults)
    if (template && faults.length === before) drafts.push({ instance, template, facts })
  }
  return drafts
}

/** The columns without the fact would be plain ones: `pinnedLevels` open to everybody, and nothing resolved. */
function refuseBareColumns(resource: ResourceInfo, faults: StartupFault[]): void {
  if (!instanceColumns.every((key) => resource.byKey.has(key))) return
  faults.push({
    path: `resource ${resource.name}`,
    problem: 'has the columns of templated() and does not say what its params are',
    fix: 'template: { params: z.object({ … }) }',
  })
}

function verifyColumns(path: string, { byKey, sqlName }: ResourceInfo, faults: StartupFault[]): void {
  const kinds: Readonly<Record<(typeof instanceColumns)[number], (field: FieldInfo) => boolean>> = {
    templateId: (field) => field.reference?.onDelete === 'restrict' && !field.notNull,
    sharedTemplate: (field) => field.kind.name === 'text' && !field.notNull,
    params: (field) => field.kind.name === 'json' && field.notNull && field.hasDefault,
    inheritance: (field) => field.column.enumValues?.join() === 'live,pinned' && field.notNull && field.hasDefault,
    pinnedLevels: (field) => field.kind.name === 'json' && !field.notNull && field.hidden,
  }
  const wrong = instanceColumns.filter((key) => {
    const field = byKey.get(key)
    return !field || !kinds[key](field)
  })
  if (wrong.length === 0) return
  faults.push({
    path,
    problem: `the table lacks ${wrong.join(', ')}, or has it otherwise than templated() makes it`,
    fix: `resourceTable('${sqlName}', { …, ...templated(() => templates) })`,
  })
}

function verifyTemplateTable(
  path: string,
  instance: ResourceInfo,
  template: ResourceInfo,
  faults: StartupFault[],
): void {
  const kinds: Readonly<Record<(typeof templateColumns)[number], (field: FieldInfo) => boolean>> = {
    parentTemplateId: ({ reference, notNull }) =>
      reference?.to() === template.table && reference.onDelete === 'restrict' && !notNull,
    sharedParent: (field) => field.kind.name === 'text' && !field.notNull,
    defaults: (field) => field.kind.name === 'json' && field.notNull && field.hasDefault,
  }
  const wrong = templateColumns.filter((key) => {
    const field = template.byKey.get(key)
    return !field || !kinds[key](field)
  })
  if (wrong.length > 0) {
    faults.push({
      path,
      problem: `the table of its templates, ${template.sqlName}, lacks ${wrong.join(', ')}, or has it otherwise than templateColumns() makes it`,
      fix: `resourceTable('${template.sqlName}', { …, ...templateColumns((): AnyResourceTable => ${template.name}s) })`,
    })
  }
  if (template.byKey.get('id')?.kind.name !== 'uuid') {
    faults.push({
      path: `resource ${template.name}`,
      problem: `has ids of its own kind, and rows refer to their templates by UUID`,
      fix: `leave \`id\` out of resourceTable('${template.sqlName}', { … })`,
    })
  }
  if (template.declaration.template) {
    faults.push({
      path: `resource ${template.name}.template`,
      problem: `its rows are the templates of ${instance.name}; a template has a parent, and comes from no other template`,
      fix: `leave \`template\` out of defineResource for ${template.sqlName}`,
    })
  }
}

function verifyActions(resource: ResourceInfo, taken: readonly string[], faults: StartupFault[]): void {
  for (const action of resource.actions) {
    if (!taken.includes(action.name)) continue
    faults.push({
      path: `resource ${resource.name}.actions.${action.name}`,
      problem: 'is what templates have at this path',
      fix: 'choose another verb',
    })
  }
}
