import type { PersonalKind } from '../resource/field-facts.ts'
import type { FieldInfo, ResourceInfo } from '../resource/resource-info.ts'
import type { Finding } from './finding.ts'
import type { Registry } from './registry.ts'

/** Names that nearly always hold data about a person. Whole words of the column's name, so that `emailTemplateId` is not one. */
const personalNames: readonly (readonly [pattern: RegExp, kind: PersonalKind])[] = [
  [/(^|_)e_?mail(_address)?$/, 'email'],
  [/(^|_)(phone|mobile|fax)(_number)?$/, 'phone'],
  [/^(first|last|given|family|full|middle)_name$|^surname$/, 'name'],
  [/(^|_)(birth_?date|birthday|date_of_birth|dob)$/, 'birthdate'],
  [/(^|_)(street|postal_address|home_address|billing_address|zip_code|postcode)$/, 'address'],
  [/(^|_)ip(_address)?$/, 'ip'],
  [/^(ssn|social_security_number|tax_id|passport(_number)?|iban)$/, 'identifier'],
]

/** What the declaration itself lets one doubt, without looking at a database. */
export function inspectDeclaration(registry: Registry): readonly Finding[] {
  return registry.resources
    .filter((resource) => resource.origin === 'product')
    .flatMap((resource) => resource.fields.flatMap((field) => unclassified(resource, field)))
}

/** Audit, logs and privacy exports mask what is declared personal, and nothing else. */
function unclassified(resource: ResourceInfo, field: FieldInfo): Finding[] {
  if (field.platform || field.personal !== undefined || field.secret || field.hidden) return []
  const kind = personalNames.find(([pattern]) => pattern.test(field.sqlName))?.[1]
  if (kind === undefined) return []
  return [
    {
      code: 'personal_data_unclassified',
      severity: 'warning',
      path: `resource ${resource.name}.fields.${field.key}`,
      problem: 'looks like data about a person and is not declared personal: logs and records would show it',
      fix: `fields: { ${field.key}: { personal: '${kind}' } }`,
    },
  ]
}
