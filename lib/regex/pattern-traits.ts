/**
 * Properties of a pattern, derived from its syntax tree: whether a word of a matching value may begin with a `-` followed by
 * free text (`web --force -rf`), and whether the pattern spells out every matching text.
 */
import { isOne, type Ranges, SPACE } from './character-ranges.ts';
import type { Node } from './regular-expression.ts';

export interface PatternTraits {
  /** The pattern spells out every matching text: `--fast|--slow`. */
  readonly isFixed: boolean;
  /** A word of the value may begin with a dash followed by free text: an option for most commands. */
  readonly mayAddOption: boolean;
}

export function traitsOf(node: Node): PatternTraits {
  return {
    isFixed: isFixed(node),
    mayAddOption: (effectOf(node)[AT_WORD_START] & (1 << OPTION)) !== 0,
  };
}

/** No choice among characters, no unbounded repetition. */
function isFixed(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return isOne(node.ranges);
    case 'assert':
      return true;
    case 'concat':
    case 'either':
      return node.nodes.every(isFixed);
    case 'repeat':
      return Number.isFinite(node.max) && isFixed(node.node);
  }
}

/** Where in a word a match may be. In FIXED_DASH the word began with a dash, and the file wrote each character. */
const AT_WORD_START = 0;
const FIXED_DASH = 1;
const IN_WORD = 2;
const OPTION = 3;

/** For each of the four places a match may be in before, the places after, one bit each. */
type Effect = readonly [number, number, number, number];

const NO_EFFECT: Effect = [1 << AT_WORD_START, 1 << FIXED_DASH, 1 << IN_WORD, 1 << OPTION];

/** Computed once for each part, so that nested repetitions cost no more than their text. */
function effectOf(node: Node): Effect {
  switch (node.kind) {
    case 'set':
      return effectOfSet(node.ranges);
    // That an assertion may fail is left out: the answer may only err on the side of `mayAddOption`.
    case 'assert':
      return NO_EFFECT;
    case 'concat':
      return node.nodes.map(effectOf).reduce(followedBy, NO_EFFECT);
    case 'either':
      return node.nodes.map(effectOf).reduce(together, [0, 0, 0, 0]);
    case 'repeat': {
      if (node.max === 0) return NO_EFFECT;
      const once = effectOf(node.node);
      const some = node.max === 1 ? once : closureOf(once);
      return node.min === 0 ? together(some, NO_EFFECT) : some;
    }
  }
}

function effectOfSet(ranges: Ranges): Effect {
  if (ranges.length === 0) return [0, 0, 0, 0];
  const hasSpace = meets(ranges, SPACES);
  const hasDash = meets(ranges, DASHES);
  const hasOther = !isWithin(ranges, SPACES);
  const isFixedCharacter = isOne(ranges);
  const afterSpace = hasSpace ? 1 << AT_WORD_START : 0;
  const inWord = hasOther ? 1 << IN_WORD : 0;
  const inOption = 1 << (isFixedCharacter ? FIXED_DASH : OPTION);
  const begun = (hasDash ? inOption : 0) | (isFixedCharacter && hasDash ? 0 : inWord);
  return [afterSpace | begun, afterSpace | (hasOther ? inOption : 0), afterSpace | inWord, 1 << OPTION];
}

function followedBy(first: Effect, second: Effect): Effect {
  return map(first, (places) => imageOf(places, second));
}

function together(a: Effect, b: Effect): Effect {
  return [a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3]];
}

/** Once or more often: after four rounds no place is new. */
function closureOf(once: Effect): Effect {
  const twice = together(once, followedBy(once, once));
  return together(twice, followedBy(twice, twice));
}

function imageOf(places: number, effect: Effect): number {
  return effect.reduce((image, after, place) => ((places & (1 << place)) === 0 ? image : image | after), 0);
}

function map(effect: Effect, change: (places: number) => number): Effect {
  return [change(effect[0]), change(effect[1]), change(effect[2]), change(effect[3])];
}

/** What some shell takes for a space between words; PowerShell knows those of Unicode. */
const SPACES: Ranges = [
  ...SPACE,
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];
/** PowerShell reads the three dashes of typography as `-`. */
const DASHES: Ranges = [
  [0x2d, 0x2d],
  [0x2013, 0x2015],
];

function meets(ranges: Ranges, others: Ranges): boolean {
  return ranges.some(([from, to]) => others.some((other) => from <= other[1] && other[0] <= to));
}

function isWithin(ranges: Ranges, others: Ranges): boolean {
  return ranges.every(([from, to]) => others.some((other) => other[0] <= from && to <= other[1]));
}
