/** Says why a value does not match, without repeating what an attacker, or a secret, would put there. */
import type { LinearPattern } from '../regex/linear-match.ts';
import { DEFAULT_PATTERN } from './safe-text.ts';

/**
 * Names the first character that fits no more and the length; the rest of the value stays out of records, and all of a
 * secret one.
 */
export function describeMismatch(
  value: string,
  reached: number,
  pattern: LinearPattern,
  isSecret = false,
): string {
  const characters = [...value];
  const wanted =
    pattern.source === DEFAULT_PATTERN
      ? 'the default pattern (letters, digits and _ . : @ / + = -, 1 to 256 of them, not beginning with - + = @ or /)'
      : `the pattern ${pattern.source}`;
  const stopper = characters[reached];
  if (isSecret) return `expected ${wanted}; what came is secret, and not shown`;
  if (value === '') return `expected ${wanted}; the value is empty`;
  const came =
    stopper === undefined
      ? `the value ends too early, after ${characters.length} characters`
      : `character ${reached + 1} of ${characters.length} is ${quote(stopper)}`;
  return `expected ${wanted}; ${came}`;
}

/** Also what cannot be seen: `"\n"`, `"\u202e"`. */
function quote(character: string): string {
  const isPlain = /^[\x20-\x7e]$/.test(character);
  if (isPlain) return `\`${character}\``;
  const escaped = JSON.stringify(character);
  if (escaped !== `"${character}"`) return escaped;
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
