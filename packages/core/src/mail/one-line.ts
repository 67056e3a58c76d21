// Marks that reverse the order of what follows them, to the end of the line: a name that holds one rewrites our words.
// oxlint-disable-next-line no-control-regex
const unwanted = /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\s]+/g

/**
 * A text as one line, for a subject or a sentence that holds what somebody chose (a name, a tenant's title): line breaks and
 * control characters become spaces, what is longer is cut.
 * @param most characters (code points)
 */
export function oneLine(text: string, most = 200): string {
  const line = text.replaceAll(unwanted, ' ').trim()
  const points = Array.from(line.slice(0, most * 2 + 2))
  return points.length > most
    ? `${points
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`
    : line
}
