/** The 49,000 commonest passwords, all in small letters. */
let list: Promise<ReadonlySet<string>> | undefined

/** Loaded when the first password is chosen (25 ms, 4 MB) and kept; logging in does not need it. */
export function frequentPasswords(): Promise<ReadonlySet<string>> {
  list ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']))
  return list
}
