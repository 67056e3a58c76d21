import { problem } from '../errors/plinth-error.ts'

/** Characters of a page. A hundred rows of a quarter megabyte, asked for by forty requests at once, end a process. */
export const MOST_CHARACTERS = 8_388_608

/** @throws page_too_large */
export function refuseTooLarge(): never {
  throw problem('page_too_large', { detail: `At most ${MOST_CHARACTERS} characters are sent.` })
}
