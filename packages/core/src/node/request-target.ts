/** The path of a request target: `/a?b` → `/a`; of an absolute one (`GET http://host/a HTTP/1.1`) the path in it. */
export function pathOfTarget(target: string): string {
  const start = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3)
  if (start < 0) return '/'
  const end = target.slice(start).search(/[?#]/)
  return end < 0 ? target.slice(start) : target.slice(start, start + end)
}
