/**
 * The regular expressions of rules: the part of RE2's syntax that everybody writes (CEL says that `matches` is RE2),
 * parsed here because JavaScript's own engine backtracks, and a text from outside could hold it for minutes.
 * lib/regex/linear-match.ts runs what this file makes.
 */
import {
  ANY,
  bothCases,
  complement,
  DIGIT,
  includes,
  isOne,
  normalise,
  type Ranges,
  SPACE,
  single,
  WORD,
} from './character-ranges.ts';

export type Node =
  | { kind: 'set'; ranges: Ranges }
  | { kind: 'assert'; at: 'start' | 'end' | 'word' | 'notWord' }
  | { kind: 'concat'; nodes: readonly Node[] }
  | { kind: 'either'; nodes: readonly Node[] }
  | { kind: 'repeat'; node: Node; min: number; max: number };

export type ParsedExpression = { ok: true; node: Node } | { ok: false; problem: string; offset: number };

const MAX_LENGTH = 1000;
const MAX_REPEAT = 1000;
const MAX_DEPTH = 50;

const CLASSES: Readonly<Record<string, Ranges>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };

class Refused extends Error {
  readonly offset: number;
  constructor(problem: string, offset: number) {
    super(problem);
    this.offset = offset;
  }
}

/**
 * Reads a pattern: literals, `.`, `[a-z]`, `\d \w \s \b`, `^ $`, groups, `|`, `* + ? {n,m}`, and `(?i)` in front.
 * `\s`, `\w` and `(?i)` know ASCII only, as in RE2. There is no lookaround and no back reference.
 */
export function parseRegularExpression(pattern: string): ParsedExpression {
  if (pattern.length > MAX_LENGTH) {
    return { ok: false, problem: `is longer than ${MAX_LENGTH} characters`, offset: 0 };
  }
  try {
    const parser = new Parser(pattern);
    return { ok: true, node: parser.parse() };
  } catch (thrown) {
    if (thrown instanceof Refused) return { ok: false, problem: thrown.message, offset: thrown.offset };
    throw thrown;
  }
}

/** Holds the place in the pattern while it is read. */
class Parser {
  private readonly characters: readonly string[];
  private readonly ignoresCase: boolean;
  private at = 0;
  private depth = 0;

  constructor(pattern: string) {
    this.characters = [...pattern];
    this.ignoresCase = pattern.startsWith('(?i)');
    if (this.ignoresCase) this.at = 4;
  }

  parse(): Node {
    const node = this.either();
    if (this.peek() !== undefined) this.refuse('has a `)` that closes nothing');
    return node;
  }

  private either(): Node {
    if (++this.depth > MAX_DEPTH) this.refuse(`is nested more than ${MAX_DEPTH} deep`);
    const nodes = [this.concat()];
    while (this.take('|')) nodes.push(this.concat());
    this.depth--;
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { kind: 'either', nodes };
  }

  private concat(): Node {
    const nodes: Node[] = [];
    for (let next = this.peek(); next !== undefined && next !== '|' && next !== ')'; next = this.peek()) {
      nodes.push(this.repeated());
    }
    return { kind: 'concat', nodes };
  }

  private repeated(): Node {
    const start = this.at;
    let node = this.atom();
    for (let count = 0; ; count++) {
      const bounds = this.quantifier();
      if (bounds === undefined) return node;
      if (count > 0 || node.kind === 'assert') this.refuse('repeats what cannot be repeated', start);
      // Lazy and greedy quantifiers accept the same strings.
      this.take('?');
      node = { kind: 'repeat', node, ...bounds };
    }
  }

  private quantifier(): { min: number; max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.take('?')) return { min: 0, max: 1 };
    if (this.peek() !== '{') return undefined;
    const start = this.at;
    const text = this.characters.slice(start, start + 12).join('');
    const [whole, low, comma, high] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(text) ?? [];
    if (whole === undefined || (comma === '' && high !== '')) {
      this.refuse('has a `{` that is no count like {2,5}; write \\{ for the character');
    }
    const min = Number(low);
    const max = comma === '' ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high);
    if (max < min || min > MAX_REPEAT || (Number.isFinite(max) && max > MAX_REPEAT)) {
      this.refuse(`has a count that is not from low to high, at most ${MAX_REPEAT}`);
    }
    this.at += whole?.length ?? 0;
    return { min, max };
  }

  private atom(): Node {
    const start = this.at;
    const character = this.next();
    switch (character) {
      case '(': {
        if (this.take('?') && !this.take(':')) {
          this.refuse(
            'has a group that begins with (? and is not (?:…); there is no lookaround, and (?i) stands in front only',
            start,
          );
        }
        const node = this.either();
        if (!this.take(')')) this.refuse('has a `(` that is never closed', start);
        return node;
      }
      case '[':
        return this.set(this.bracket(start));
      case '.':
        return { kind: 'set', ranges: ANY };
      case '^':
        return { kind: 'assert', at: 'start' };
      case '$':
        return { kind: 'assert', at: 'end' };
      case '\\':
        return this.escape(start);
      case '*':
      case '+':
      case '?':
      case '{':
        return this.refuse(`has a \`${character}\` with nothing before it to repeat`, start);
      default:
        return this.set(single(character));
    }
  }

  private escape(start: number): Node {
    const character = this.peek();
    if (character === 'b' || character === 'B') {
      this.at++;
      return { kind: 'assert', at: character === 'b' ? 'word' : 'notWord' };
    }
    return this.set(this.escaped(start));
  }

  /** After a backslash, inside brackets or not. */
  private escaped(start: number): Ranges {
    const character = this.next();
    const set = CLASSES[character];
    if (set !== undefined) return set;
    const control = CONTROLS[character];
    if (control !== undefined) return single(control);
    if (character === 'x' || character === 'u') {
      const digits = this.characters.slice(this.at, this.at + 8).join('');
      const form = character === 'x' ? /^[0-9A-Fa-f]{2}/ : /^[0-9A-Fa-f]{4}/;
      const [hex] = form.exec(digits) ?? [];
      if (hex === undefined) return this.refuse(`has a \\${character} without its hexadecimal digits`, start);
      this.at += hex.length;
      return single(String.fromCharCode(Number.parseInt(hex, 16)));
    }
    if (/[A-Za-z0-9]/.test(character)) {
      return this.refuse(`has \\${character}, which is not known here (there are no back references)`, start);
    }
    return single(character);
  }

  private bracket(start: number): Ranges {
    const isNegated = this.take('^');
    const found: [number, number][] = [];
    for (let isFirst = true; ; isFirst = false) {
      if (this.peek() === undefined) return this.refuse('has a `[` that is never closed', start);
      if (this.take(']')) {
        if (isFirst) return this.refuse('has an empty [ ]; write \\] for the character', start);
        const all = this.fold(normalise(found));
        return isNegated ? complement(all) : all;
      }
      if (this.characters.slice(this.at, this.at + 2).join('') === '[:') {
        return this.refuse('has a [:class:]; write \\d, \\w or the characters');
      }
      const low = this.bracketItem();
      const isRange = this.peek() === '-' && ![undefined, ']'].includes(this.characters[this.at + 1]);
      if (!isRange) {
        found.push(...low.map(([from, to]): [number, number] => [from, to]));
        continue;
      }
      const hyphenAt = this.at++;
      const high = this.bracketItem();
      const from = low[0]?.[0] ?? 0;
      const to = high[0]?.[0] ?? 0;
      if (!isOne(low) || !isOne(high) || to < from) {
        return this.refuse('has a range in [ ] that is not from low to high; put a plain `-` last', hyphenAt);
      }
      found.push([from, to]);
    }
  }

  private bracketItem(): Ranges {
    const start = this.at;
    const character = this.next();
    return character === '\\' ? this.escaped(start) : single(character);
  }

  private set(ranges: Ranges): Node {
    return { kind: 'set', ranges: this.fold(ranges) };
  }

  private fold(ranges: Ranges): Ranges {
    return this.ignoresCase ? bothCases(ranges) : ranges;
  }

  private peek(): string | undefined {
    return this.characters[this.at];
  }

  private next(): string {
    return this.characters[this.at++] ?? this.refuse('ends with a backslash');
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  private refuse(problem: string, at = this.at): never {
    throw new Refused(problem, this.characters.slice(0, at).join('').length);
  }
}

/** Whether some part of the expression takes this character. */
export function mayTake(node: Node, character: string): boolean {
  switch (node.kind) {
    case 'set':
      return includes(node.ranges, character.codePointAt(0) ?? 0);
    case 'assert':
      return false;
    case 'concat':
    case 'either':
      return node.nodes.some((part) => mayTake(part, character));
    case 'repeat':
      return node.max > 0 && mayTake(node.node, character);
  }
}
