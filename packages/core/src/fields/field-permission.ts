import type { PermissionNumbers } from '../policy/permission-set.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'

/** What may be done with a field. Giving it a value is `update`, in a new row too. */
export type FieldAction = 'read' | 'update'

/** The model of a restricted field: `employee.salary`, so that a role says `employee.salary:read:own`. */
export function fieldModel(resource: Pick<ResourceInfo, 'name'>, field: Pick<FieldInfo, 'key'>): string {
  return `${resource.name}.${field.key}`
}

/** Whether a model of the registry is that of a restricted field. */
export function isFieldModel(model: string): boolean {
  return model.includes('.')
}

/** The permission models of a resource's restricted fields, each with the actions that ask for a permission. */
export function fieldModelsOf(
  resource: Pick<ResourceInfo, 'name' | 'fields'>,
): readonly { readonly name: string; readonly verbs: readonly FieldAction[] }[] {
  return resource.fields.flatMap((field) => {
    const verbs: FieldAction[] = []
    if (field.readRestricted) verbs.push('read')
    if (field.writeRestricted) verbs.push('update')
    return verbs.length === 0 ? [] : [{ name: fieldModel(resource, field), verbs }]
  })
}

/** @throws Error for a field that is not restricted in this way */
export function fieldPermission(
  permissions: PermissionNumbers,
  resource: ResourceInfo,
  field: FieldInfo,
  action: FieldAction,
): number {
  const number = permissions.numberOf(fieldModel(resource, field), action)
  if (number !== undefined) return number
  throw new Error(`there is no permission ${fieldModel(resource, field)}:${action}`)
}
