/**
 * The run id: the same rule and the same delivery always give the same id, so that a repeated event finds the run
 * that it already started.
 */
import { createHash } from 'node:crypto';
import type { RunId } from './run-request.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** @returns `run-` and 26 characters of base32: 130 bits of SHA-256 over rule, source and event id */
export function runIdFor(rule: string, source: string, eventId: string): RunId {
  // JSON keeps the parts apart: ("a", "bc") and ("ab", "c") must differ.
  const digest = createHash('sha256')
    .update(JSON.stringify([rule, source, eventId]))
    .digest();
  let id = '';
  let bits = 0;
  let held = 0;
  for (const byte of digest) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && id.length < 26) {
      id += BASE32[(held >>> (bits - 5)) & 31];
      bits -= 5;
    }
    held &= (1 << bits) - 1;
  }
  return `run-${id}`;
}
