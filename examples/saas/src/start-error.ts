/** Why Lookout did not start, where nobody has to read a stack to mend it: the message is one line for people. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
