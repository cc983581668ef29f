/**
 * Whether a condition could hold for events of which only some fields are known. What cannot be decided may hold, so
 * that the answer `false` is certain.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { compilePattern } from '../regex/linear-match.ts';
import type { Condition } from './condition.ts';
import { pathOf } from './field-check.ts';

/** By path: `event.data.rule`. Other fields may have any value, or be absent. */
export type KnownFields = Readonly<Record<string, string>>;

type Value = { isKnown: true; value: unknown } | { isKnown: false };

const UNKNOWN: Value = { isKnown: false };

/** @param condition a rule's `when`; absent: always */
export function mayHold(condition: Condition | undefined, known: KnownFields): boolean {
  const clauses = condition?.clauses ?? [];
  return !clauses.some(({ expression }) => isFalse(fold(expression.ast, known)));
}

function fold(node: ASTNode, known: KnownFields): Value {
  const inner = (child: ASTNode): Value => fold(child, known);
  switch (node.op) {
    case 'value':
      return typeof node.args === 'string' || typeof node.args === 'boolean' ? be(node.args) : UNKNOWN;
    case '&&':
      return every(node.args.map(inner), false);
    case '||':
      return every(node.args.map(inner), true);
    case '!_': {
      const value = inner(node.args);
      return value.isKnown ? be(value.value !== true) : UNKNOWN;
    }
    case '==':
    case '!=': {
      const [left, right] = node.args.map(inner);
      if (left?.isKnown !== true || right?.isKnown !== true) return UNKNOWN;
      return be((left.value === right.value) === (node.op === '=='));
    }
    case 'in':
      return isIn(node.args[0], node.args[1], known);
    case 'rcall': {
      const [name, receiver, [argument]] = node.args;
      const text = inner(receiver);
      const other = argument === undefined ? UNKNOWN : inner(argument);
      return text.isKnown && other.isKnown ? ask(name, text.value, other.value) : UNKNOWN;
    }
    case '.':
    case '.?':
    case '[]':
    case '[?]': {
      const value = known[pathOf(node)?.join('.') ?? ''];
      return value === undefined ? UNKNOWN : be(value);
    }
    case 'id':
    case 'call':
    case 'list':
    case 'map':
    case '?:':
    case '-_':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return UNKNOWN;
  }
}

function be(value: unknown): Value {
  return { isKnown: true, value };
}

function isFalse(value: Value): boolean {
  return value.isKnown && value.value === false;
}

/** `&&` (decided by one that is false) and `||` (by one that is true). */
function every(values: readonly Value[], decides: boolean): Value {
  if (values.some((value) => value.isKnown && value.value === decides)) return be(decides);
  return values.every(({ isKnown }) => isKnown) ? be(!decides) : UNKNOWN;
}

function isIn(element: ASTNode, list: ASTNode, known: KnownFields): Value {
  const value = fold(element, known);
  if (!value.isKnown || list.op !== 'list') return UNKNOWN;
  const elements = list.args.map((it) => fold(it, known));
  if (elements.some((it) => it.isKnown && it.value === value.value)) return be(true);
  return elements.every(({ isKnown }) => isKnown) ? be(false) : UNKNOWN;
}

function ask(name: string, text: unknown, other: unknown): Value {
  if (typeof text !== 'string' || typeof other !== 'string') return UNKNOWN;
  switch (name) {
    case 'startsWith':
      return be(text.startsWith(other));
    case 'endsWith':
      return be(text.endsWith(other));
    case 'contains':
      return be(text.includes(other));
    case 'matchesLinear': {
      const compiled = compilePattern(other);
      return compiled.ok ? be(compiled.pattern.isIn(text)) : UNKNOWN;
    }
    default:
      return UNKNOWN;
  }
}
