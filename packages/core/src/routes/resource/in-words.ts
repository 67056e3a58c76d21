/** A resource as words for people: `agentTemplate` → `an agent template`, `user` → `a user`. */
export function oneInWords(name: string): string {
  const words = name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  // By sound: one says "a user" and "a unit", but "an update".
  return `${/^(?:[aeio]|u(?!s|ni(?!n)|ti))/i.test(words) ? 'an' : 'a'} ${words}`
}
