/** Sets of characters as ranges of code points: what a place in a regular expression takes. */

/** Code points from `[0]` to `[1]`, both included; sorted, not overlapping. */
export type Ranges = readonly (readonly [number, number])[];

const LAST = 0x10ffff;

export const DIGIT: Ranges = [[0x30, 0x39]];
export const WORD: Ranges = ranges('09', 'AZ', '__', 'az');
export const SPACE: Ranges = ranges('\t\n', '\f\r', '  ');
/** `.`: all but what ends a line in JavaScript, so that a pattern lets none of them in by accident. */
export const ANY: Ranges = complement(ranges('\n\n', '\r\r', '\u2028\u2029'));

export function includes(ranges: Ranges, codePoint: number): boolean {
  for (const [from, to] of ranges) {
    if (codePoint < from) return false;
    if (codePoint <= to) return true;
  }
  return false;
}

export function isWordCharacter(codePoint: number | undefined): boolean {
  return codePoint !== undefined && includes(WORD, codePoint);
}

export function single(character: string): Ranges {
  const code = character.codePointAt(0) ?? 0;
  return [[code, code]];
}

export function isOne(ranges: Ranges): boolean {
  return ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];
}

function ranges(...pairs: readonly string[]): Ranges {
  return normalise(pairs.map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]));
}

export function normalise(found: readonly (readonly [number, number])[]): Ranges {
  const merged: [number, number][] = [];
  for (const [from, to] of found.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function complement(given: Ranges): Ranges {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of given) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}

/** ASCII letters in the other case too. */
export function bothCases(given: Ranges): Ranges {
  const more: [number, number][] = [];
  for (const [from, to] of given) {
    const lower = [Math.max(from, 0x61), Math.min(to, 0x7a)] as const;
    if (lower[0] <= lower[1]) more.push([lower[0] - 32, lower[1] - 32]);
    const upper = [Math.max(from, 0x41), Math.min(to, 0x5a)] as const;
    if (upper[0] <= upper[1]) more.push([upper[0] + 32, upper[1] + 32]);
  }
  return normalise([...given, ...more]);
}
