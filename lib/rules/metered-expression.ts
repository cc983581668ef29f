/**
 * Makes each part of a parsed expression pay for its work before the work is done. The CEL library has no limit on what
 * an evaluation costs: a loop over a list of the event runs its body for each element, and comparing, joining or finding
 * the type of a value looks at all of it. Its nodes evaluate themselves and each other through `evaluate`, so that is
 * where the steps are counted.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, LOOPS } from './expression-limits.ts';
import { OutOfSteps, type Steps } from './steps.ts';
import { sizeOf } from './value-size.ts';

/** Making an error costs a stack trace and a text with the place. */
const FAILURE = 400;
/** `.?` and `[?]` make such an error inside where the value has no fields. */
const OPTIONAL_ACCESS = 30;
/** A time in a zone is formatted and read again. */
const ZONED_TIME = 2000;
/** What a loop costs for each element beside its body. */
const ELEMENT = 2;

/** Whose steps the expression that is being evaluated spends; evaluations do not overlap. */
let current: Steps | undefined;
let lastFailure: unknown;

/** Evaluates with these steps. @throws OutOfSteps */
export function withSteps<T>(steps: Steps, evaluate: () => T): T {
  const outer = current;
  current = steps;
  try {
    return evaluate();
  } finally {
    current = outer;
    lastFailure = undefined;
  }
}

/** For functions of ours that an expression calls. @throws OutOfSteps */
export function spendSteps(count: number): void {
  current?.spend(count);
}

/** Once, after the expression is type-checked: before, its nodes are not complete. */
export function meterExpression(root: ASTNode): void {
  meter(root, undefined);
}

/** What is to be paid for the value of a part, because of what the part around it does with it. */
type Use = (value: unknown) => number;

const asWhole: Use = (value) => sizeOf(value).whole;
const asArgument: Use = (value) => (typeof value === 'string' ? sizeOf(value).whole : sizeOf(value).type);
const asLoop: Use = (value) =>
  Array.isArray(value) ? ELEMENT * value.length : (1 + ELEMENT) * sizeOf(value).type;
/** The characters of a text are counted one by one, for it may have some of two units. */
const asCounted: Use = (value) =>
  typeof value === 'string' ? 1 + Math.ceil(value.length / 4) : sizeOf(value).type;
/** The library reads durations with a pattern that looks at each character again and again. */
const asDuration: Use = (value) => (typeof value === 'string' ? value.length * value.length : 1);

/** Each looks for one text in another, in the worst case at each place for all of it. */
const SEARCHES: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'split']);
const PAIRS_OF_CHARACTERS = 128;

function meter(node: ASTNode, use: Use | undefined): void {
  const search = node.op === 'rcall' && SEARCHES.has(node.args[0]) ? searching() : undefined;
  meterNode(node, { price: priceOf(node), before: search?.begin, use });
  for (const child of childrenOf(node)) meter(child, search?.use ?? useOf(child, node));
}

/** Both texts have to be known; which of them comes first is the library's affair. */
function searching(): { begin(): void; use: Use } {
  let other: number | undefined;
  return {
    begin() {
      other = undefined;
    },
    use(value) {
      if (typeof value !== 'string') return asArgument(value);
      const pairs = other === undefined ? 0 : other * value.length;
      other = value.length;
      return asArgument(value) + Math.ceil(pairs / PAIRS_OF_CHARACTERS);
    },
  };
}

function priceOf(node: ASTNode): number {
  if (node.op === '.?' || node.op === '[?]') return OPTIONAL_ACCESS;
  const isZoned = node.op === 'rcall' && node.args[0].startsWith('get') && node.args[2].length > 0;
  return isZoned ? ZONED_TIME : 1;
}

function useOf(child: ASTNode, parent: ASTNode): Use | undefined {
  switch (parent.op) {
    case 'call':
      return useOfArgument(parent.args[0]);
    case 'rcall': {
      const [name, receiver] = parent.args;
      if (LOOPS.has(name)) return child === receiver ? asLoop : undefined;
      return useOfArgument(name);
    }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return asWhole;
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case '?:':
    case '||':
    case '&&':
    case '!_':
    case '-_':
    case 'list':
    case 'map':
    case 'value':
    case 'id':
      return undefined;
  }
}

function useOfArgument(name: string): Use {
  switch (name) {
    case 'duration':
      return asDuration;
    case 'size':
      return asCounted;
    case 'join':
      return asWhole;
    default:
      return asArgument;
  }
}

/** A part that makes a list out of a text pays for each element. */
function isSplit(node: ASTNode): boolean {
  return node.op === 'rcall' && node.args[0] === 'split';
}

interface Pricing {
  /** Of each evaluation. */
  price: number;
  /** Called before its parts are evaluated. */
  before: (() => void) | undefined;
  use: Use | undefined;
}

function meterNode(node: ASTNode, { price, before, use }: Pricing): void {
  let evaluate: unknown = Reflect.get(node, 'evaluate');
  // The first time, a node finds out how it is evaluated, remembers it and calls itself: that is one step, not two.
  let isRemembering = false;
  const makesList = isSplit(node);
  const metered = (evaluator: unknown, ast: unknown, context: unknown): unknown => {
    if (typeof evaluate !== 'function')
      throw new TypeError('the CEL library evaluates its nodes in another way');
    if (isRemembering) {
      isRemembering = false;
      return evaluate.call(node, evaluator, ast, context);
    }
    spendSteps(price);
    before?.();
    try {
      const value: unknown = evaluate.call(node, evaluator, ast, context);
      if (makesList && Array.isArray(value)) spendSteps(value.length);
      if (use !== undefined) spendSteps(use(value));
      return value;
    } catch (thrown) {
      if (!(thrown instanceof OutOfSteps) && thrown !== lastFailure) {
        lastFailure = thrown;
        spendSteps(FAILURE);
      }
      throw thrown;
    }
  };
  Object.defineProperty(node, 'evaluate', {
    get: () => metered,
    set: (next: unknown) => {
      evaluate = next;
      isRemembering = true;
    },
  });
}
