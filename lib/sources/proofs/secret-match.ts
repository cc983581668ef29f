/**
 * Compares a request's secret with ours in constant time: both sides are hashed first, so that timing reveals neither
 * their length nor the first difference, and every candidate is compared.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether `given` is one of `expected`. An empty text never is: a sender without a secret sends an empty one. */
export function isOneOf(given: string | undefined, expected: readonly string[]): boolean {
  if (given === undefined || given === '') return false;
  const digest = sha256(given);
  let isFound = false;
  for (const candidate of expected) {
    const isSame = timingSafeEqual(digest, sha256(candidate));
    isFound ||= isSame;
  }
  return isFound;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
