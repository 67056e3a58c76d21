import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

// PostgreSQL's own default. Every login of every client pays for it, and these passwords are generated, not chosen.
const iterations = 4_096

/**
 * What PostgreSQL stores for a password (RFC 5803). `alter role … password` gets this instead of the password, because the
 * statement ends up in the server's log, in pg_stat_statements and in whatever listens to either.
 */
export function passwordVerifier(password: string, salt: Buffer = randomBytes(16), rounds = iterations): string {
  // SASLprep, which the server applies to a password in clear, is NFKC for everything that a password may hold.
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, rounds, 32, 'sha256')
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest()
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${storedKey.toString('base64')}:${hmac('Server Key').toString('base64')}`
}

/** Whether a stored verifier is one of this password; false too for md5 and for what cannot be read. */
export function verifiesPassword(stored: string | null, password: string): boolean {
  const [, rounds, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(stored ?? '') ?? []
  if (stored === null || rounds === undefined || salt === undefined) return false
  const expected = Buffer.from(passwordVerifier(password, Buffer.from(salt, 'base64'), Number(rounds)))
  const actual = Buffer.from(stored)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
