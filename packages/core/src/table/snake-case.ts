/** `contactEmail` → `contact_email`; `s3Key` → `s3_key`; `HTTPStatus` → `http_status`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

/** `monitor_templates` → `monitor-templates`, the path segment of a table. */
export function kebabCase(name: string): string {
  return snakeCase(name).replace(/_+/g, '-')
}

/** `monitor_template` → `monitorTemplate`. */
export function camelCase(name: string): string {
  return name.replace(/[-_]+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
