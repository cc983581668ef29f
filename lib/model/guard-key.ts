/**
 * The keys of a rule's runs (`guards.dedupe.key`, `cancel.key`), as they are sent and stored. They come from events, so they
 * may be any text.
 */
import { createHash } from 'node:crypto';
import type { Run } from './run.ts';

/** The code of the rejection of an empty key: it would stand for every event without the field. */
export const EMPTY_KEY = 'key.empty';

/** A key of the table has 1024 bytes at the most, and a character up to four. */
const MAX_KEY = 200;
const HASHED = 'sha256-';
const NOTHING_TO_SEE = /^[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]*$/u;

/** Whether it looks empty: it has only spaces, control characters and invisible characters. */
export function isBlankKey(text: string): boolean {
  return NOTHING_TO_SEE.test(text);
}

/**
 * The stored form of a key: itself, or its hash if the table cannot store it. Two texts never have the same form, even if
 * one looks like a hash.
 */
export function keyFor(text: string): string {
  const isKept = text.length <= MAX_KEY && text.isWellFormed() && !text.startsWith(HASHED);
  // In UTF-16: half a character has no bytes of its own in UTF-8.
  return isKept ? text : `${HASHED}${createHash('sha256').update(text, 'utf16le').digest('hex')}`;
}

/** The key that dedupe, cooldown and cancel-by-key share; undefined for a run of a rule without one. */
export function guardKey(run: Pick<Run, 'guards'>): string | undefined {
  return run.guards.dedupe?.key;
}
