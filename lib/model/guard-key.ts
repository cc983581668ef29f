/**
 * The keys by which a rule tells its runs apart (`guards.dedupe.key`, `cancel.key`), as they travel and are stored. They
 * are made of what an event says, so that any text may come.
 */
import { createHash } from 'node:crypto';
import type { Run } from './run.ts';

/** The code of the rejection of a key with nothing in it: it would stand for every event that lacks the field. */
export const EMPTY_KEY = 'key.empty';

/** A key of the table has 1024 bytes at the most, and a character up to four. */
const MAX_KEY = 200;
const HASHED = 'sha256-';
const NOTHING_TO_SEE = /^[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]*$/u;

/** Whether a person sees nothing in it: it is empty, or made of spaces, controls and invisible characters. */
export function isBlankKey(text: string): boolean {
  return NOTHING_TO_SEE.test(text);
}

/**
 * The text that stands for a key everywhere: itself, or its hash where the table could not keep it as it is. Other texts
 * never give the same one, not even a text that looks like a hash.
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
