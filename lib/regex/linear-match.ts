/**
 * Runs a regular expression in linear time (Thompson's algorithm: all possible states in parallel, one step for each
 * character), so that no text can block the webhook.
 */
import { includes, isWordCharacter, type Ranges } from './character-ranges.ts';
import { type PatternTraits, traitsOf } from './pattern-traits.ts';
import { mayTake, type Node, parseRegularExpression } from './regular-expression.ts';

type Instruction =
  | { op: 'take'; ranges: Ranges }
  | { op: 'assert'; at: 'start' | 'end' | 'word' | 'notWord' }
  | { op: 'split'; a: number; b: number }
  | { op: 'jump'; to: number }
  | { op: 'end' };

/** The cost of a match before its first character, in steps … */
const PREPARING = 20;
/** … and each character beside what could go on there, in quarters of a step. */
const WORK_OF_CHARACTER = 16;
/** Steps times characters bound the work: 2,000 × 8,192. */
const MAX_INSTRUCTIONS = 2000;

/** Told beforehand of each piece of work, in steps; it may throw to end the match. */
export type Spend = (steps: number) => void;

export interface LinearPattern {
  readonly source: string;
  /** What it lets somebody choose. */
  readonly traits: PatternTraits;
  /** Whether some part of it takes this character. */
  mayTake(character: string): boolean;
  /** Whether it matches anywhere in the text, as `matches` of CEL asks. */
  isIn(text: string, spend?: Spend): boolean;
  /**
   * Whether it matches the text from its first to its last character, a trailing newline included.
   * `reached`: how many characters could still have been the beginning of a match.
   */
  matchWhole(text: string, spend?: Spend): { isMatch: true } | { isMatch: false; reached: number };
}

export type CompiledPattern =
  | { ok: true; pattern: LinearPattern }
  | { ok: false; problem: string; offset: number };

/** @returns the pattern, or what is wrong with it and where */
export function compilePattern(source: string): CompiledPattern {
  const parsed = parseRegularExpression(source);
  if (!parsed.ok) return parsed;
  const program: Instruction[] = [];
  if (!emit(program, parsed.node)) {
    return { ok: false, problem: 'is too large; make its counts {n,m} smaller', offset: 0 };
  }
  program.push({ op: 'end' });
  return {
    ok: true,
    pattern: {
      source,
      traits: traitsOf(parsed.node),
      mayTake: (character) => mayTake(parsed.node, character),
      isIn: (text, spend) => run(program, text, false, spend).isMatch,
      matchWhole: (text, spend) => run(program, text, true, spend),
    },
  };
}

/** @returns false when the program becomes too large */
function emit(program: Instruction[], node: Node): boolean {
  if (program.length > MAX_INSTRUCTIONS) return false;
  switch (node.kind) {
    case 'set':
      program.push({ op: 'take', ranges: node.ranges });
      return true;
    case 'assert':
      program.push({ op: 'assert', at: node.at });
      return true;
    case 'concat':
      return node.nodes.every((part) => emit(program, part));
    case 'either':
      return emitEither(program, node.nodes);
    case 'repeat':
      return emitRepeat(program, node);
  }
}

function emitEither(program: Instruction[], nodes: readonly Node[]): boolean {
  const jumps: { op: 'jump'; to: number }[] = [];
  for (const [index, part] of nodes.entries()) {
    const isLast = index === nodes.length - 1;
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    if (!isLast) program.push(split);
    if (!emit(program, part)) return false;
    if (isLast) break;
    const jump = { op: 'jump' as const, to: 0 };
    program.push(jump);
    jumps.push(jump);
    split.b = program.length;
  }
  for (const jump of jumps) jump.to = program.length;
  return true;
}

function emitRepeat(program: Instruction[], { node, min, max }: Extract<Node, { kind: 'repeat' }>): boolean {
  for (let count = 0; count < min; count++) {
    const before = program.length;
    if (!emit(program, node)) return false;
    // What takes nothing is the same however often it is repeated.
    if (program.length === before) break;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    const start = program.push(split) - 1;
    if (!emit(program, node)) return false;
    program.push({ op: 'jump', to: start });
    split.b = program.length;
    return true;
  }
  const splits: { op: 'split'; a: number; b: number }[] = [];
  for (let count = min; count < max; count++) {
    const split = { op: 'split' as const, a: program.length + 1, b: 0 };
    program.push(split);
    splits.push(split);
    if (!emit(program, node)) return false;
  }
  for (const split of splits) split.b = program.length;
  return true;
}

function run(
  program: readonly Instruction[],
  text: string,
  isWhole: boolean,
  spend?: Spend,
): { isMatch: true } | { isMatch: false; reached: number } {
  spend?.(PREPARING + text.length + (program.length >> 2));
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const seenAt = new Int32Array(program.length).fill(-1);
  let places: number[] = [];
  for (let at = 0; ; at++) {
    if (at === 0 || !isWhole) places.push(0);
    const { takes, isAtEnd, work } = follow(program, places, codes, at, seenAt);
    spend?.(work >> 2);
    const isLast = at === codes.length;
    if (isAtEnd && (isLast || !isWhole)) return { isMatch: true };
    if (isLast || (isWhole && takes.length === 0)) return { isMatch: false, reached: at };
    places = step(program, takes, codes[at] ?? 0);
    if (isWhole && places.length === 0) return { isMatch: false, reached: at };
  }
}

/** From these places to all that are reached without a character. */
function follow(
  program: readonly Instruction[],
  places: readonly number[],
  codes: readonly number[],
  at: number,
  seenAt: Int32Array,
): { takes: number[]; isAtEnd: boolean; work: number } {
  let work = WORK_OF_CHARACTER;
  const takes: number[] = [];
  let isAtEnd = false;
  const open = [...places];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const instruction = program[place];
    if (instruction === undefined || seenAt[place] === at) continue;
    seenAt[place] = at;
    work++;
    switch (instruction.op) {
      case 'take':
        takes.push(place);
        work += instruction.ranges.length;
        break;
      case 'end':
        isAtEnd = true;
        break;
      case 'jump':
        open.push(instruction.to);
        break;
      case 'split':
        open.push(instruction.b, instruction.a);
        break;
      case 'assert':
        if (holds(instruction.at, codes, at)) open.push(place + 1);
        break;
    }
  }
  return { takes, isAtEnd, work };
}

function step(program: readonly Instruction[], takes: readonly number[], code: number): number[] {
  return takes.flatMap((place) => {
    const instruction = program[place];
    return instruction?.op === 'take' && includes(instruction.ranges, code) ? [place + 1] : [];
  });
}

function holds(at: 'start' | 'end' | 'word' | 'notWord', codes: readonly number[], index: number): boolean {
  switch (at) {
    case 'start':
      return index === 0;
    case 'end':
      return index === codes.length;
    case 'word':
    case 'notWord': {
      const isBoundary = isWordCharacter(codes[index - 1]) !== isWordCharacter(codes[index]);
      return isBoundary === (at === 'word');
    }
  }
}
