import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { problem } from '@plinth/core'
import { archiveInvalid, type Exported } from './format.ts'

const SHORTEST = 12
const ALGORITHM = 'aes-256-gcm'
/** 128 MB and about half a second for each guess. In the format and not in the archive: a stranger's could ask for all memory. */
const COST = { N: 131_072, r: 8, p: 1, maxmem: 268_435_456 } as const

/** Seals values of an archive under a passphrase, and opens them. */
export interface ArchiveCipher {
  /** What the archive says of it. */
  readonly said: NonNullable<Exported['passphrase']>
  /** @param place which value it is: one that was moved within the archive does not open */
  seal(text: string, place: string): string
  open(sealed: string, place: string): string
}

/** @throws validation_failed for a passphrase that can be guessed */
export async function newCipher(passphrase: string): Promise<ArchiveCipher> {
  if (passphrase.length < SHORTEST)
    throw problem('validation_failed', { detail: `The passphrase needs ${SHORTEST} characters at least.` })
  const salt = randomBytes(16)
  const key = await keyOf(passphrase, salt)
  return cipherOf(key, { salt: salt.toString('base64url'), proof: sealWith(key, 'plinth', 'proof') })
}

/** @throws archive_invalid for another passphrase */
export async function cipherFor(passphrase: string, said: NonNullable<Exported['passphrase']>): Promise<ArchiveCipher> {
  const key = await keyOf(passphrase, Buffer.from(said.salt, 'base64url'))
  const cipher = cipherOf(key, said)
  cipher.open(said.proof, 'proof')
  return cipher
}

function cipherOf(key: Buffer, said: ArchiveCipher['said']): ArchiveCipher {
  return {
    said,
    seal: (text, place) => sealWith(key, text, place),
    open: (sealed, place) => openWith(key, sealed, place),
  }
}

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, COST, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

function sealWith(key: Buffer, text: string, place: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv(ALGORITHM, key, nonce)
  cipher.setAAD(Buffer.from(place))
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

function openWith(key: Buffer, sealed: string, place: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(place))
    decipher.setAuthTag(bytes.subarray(-16))
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
  } catch (error) {
    throw archiveInvalid(
      place === 'proof'
        ? 'The archive does not open with this passphrase.'
        : 'A sealed value of the archive was changed, or stands in another place than it was made for.',
      error,
    )
  }
}
