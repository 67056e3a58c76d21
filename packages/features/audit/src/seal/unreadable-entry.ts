import type { RawRow } from '@plinth/core'
import { readInboxRow, type WrittenEntry } from './read-inbox.ts'

const outcomes: readonly string[] = ['success', 'denied', 'failed']
const kinds: readonly string[] = ['user', 'service', 'apiKey', 'system', 'anonymous']
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
/** Bytes of what is in an index of the book, of which an entry has at most 2,704. */
const MOST_OF_A_NAME = 512
const MOST_OF_A_TARGET = 2_048
const MOST_REPEATED = 2_147_483_647

/**
 * The entry that a row stands for; where it stands for none that the book takes, one that keeps what the row said. A row that nobody can
 * read would else be the end of its chain: everything after it would wait for ever, unseen.
 * @param suspect whether the book has refused it already
 */
export function entryFrom(row: RawRow, suspect = false): { readonly entry: WrittenEntry; readonly problem?: string } {
  if (suspect) return kept(row, 'refused')
  let entry: WrittenEntry
  try {
    entry = readInboxRow(row)
  } catch {
    return kept(row, 'unreadable')
  }
  const problem = problemOf(entry)
  return problem === undefined ? { entry } : kept(row, problem)
}

/** Which part the book would refuse. */
function problemOf(entry: WrittenEntry): string | undefined {
  if (!outcomes.includes(entry.outcome)) return 'outcome'
  if (!kinds.includes(entry.actorKind)) return 'actorKind'
  if (!time.test(entry.occurredAt)) return 'occurredAt'
  if (!(entry.repeated >= 1 && entry.repeated <= MOST_REPEATED)) return 'repeated'
  if (entry.action === '' || isLonger(entry.action, MOST_OF_A_NAME)) return 'action'
  if (isLonger(entry.actorId, MOST_OF_A_NAME)) return 'actorId'
  if (isLonger(entry.onBehalfOf, MOST_OF_A_NAME)) return 'onBehalfOf'
  if (isLonger(entry.requestId, MOST_OF_A_NAME)) return 'requestId'
  if (isLonger(entry.targetId, MOST_OF_A_TARGET)) return 'target'
  return undefined
}

/** A character is three bytes at most, counted as this language does. */
function isLonger(text: string | null, bytes: number): boolean {
  return text !== null && text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}

/** What the row said may be personal: it is encrypted, under a key of its own. */
function kept(row: RawRow, problem: string): { readonly entry: WrittenEntry; readonly problem: string } {
  const { occurred_at: occurredAt, position, through: _, ...said } = row
  const id = String(position)
  return {
    problem,
    entry: {
      occurredAt: time.test(String(occurredAt)) ? String(occurredAt) : '1970-01-01T00:00:00.000000Z',
      actorKind: 'system',
      actorId: 'audit',
      onBehalfOf: null,
      action: 'auditEntry.unreadable',
      targetType: 'auditEntry',
      targetId: id,
      outcome: 'failed',
      requestId: id,
      repeated: 1,
      changes: null,
      detail: JSON.stringify({ problem }),
      origin: undefined,
      personal: {
        subject: `auditEntry:${id}`,
        text: JSON.stringify({ ...said, occurred_at: occurredAt }),
      },
    },
  }
}
