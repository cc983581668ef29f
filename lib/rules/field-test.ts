/**
 * The parts of a `when` that compare one field of the event with constants, as plain data: they tell which rules can
 * fire, and why the others do not, without evaluating an expression.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { TriggerEvent } from '../model/trigger-event.ts';

/** True where the field is one of these texts. Where it is absent or no text, it is never true: false, or a failure. */
export interface FieldTest {
  /** Below `event`: `['data', 'labels', 'alertname']`. */
  readonly path: readonly (string | number)[];
  readonly values: readonly string[];
  /** The field as the expression writes it, for which an absent key is named. */
  readonly of: string;
}

/** What the field of an event is: a text, something else, or not there. `odd`: only an evaluation can tell. */
export type FieldValue = { kind: 'text'; text: string } | { kind: 'other' | 'absent' | 'odd' };

const OTHER: FieldValue = { kind: 'other' };
const ABSENT: FieldValue = { kind: 'absent' };
const ODD: FieldValue = { kind: 'odd' };

/**
 * @param text the expression that the node is of
 * @returns undefined for whatever is not surely such a comparison: `==`, `in`, and several of them of one field by `||`
 */
export function fieldTestOf(node: ASTNode, text: string): FieldTest | undefined {
  if (node.op === '==') {
    const [left, right] = node.args;
    return comparison(left, [right], text) ?? comparison(right, [left], text);
  }
  if (node.op === 'in') {
    const [element, list] = node.args;
    return list.op === 'list' ? comparison(element, list.args, text) : undefined;
  }
  if (node.op !== '||') return undefined;
  const [left, right] = node.args.map((side) => fieldTestOf(side, text));
  if (left === undefined || right === undefined || !isSamePath(left.path, right.path)) return undefined;
  return { ...left, values: [...new Set([...left.values, ...right.values])] };
}

/** Reads own fields only, as expressions do. An object with a field `constructor` is read in their own way by them. */
export function fieldOf(event: TriggerEvent, path: FieldTest['path']): FieldValue {
  let at: unknown = event;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return ABSENT;
    if (at.constructor !== Object && at.constructor !== Array) return ODD;
    if (!Object.hasOwn(at, step)) return ABSENT;
    at = Reflect.get(at, step);
  }
  if (at === undefined) return ABSENT;
  return typeof at === 'string' ? { kind: 'text', text: at } : OTHER;
}

function comparison(field: ASTNode, values: readonly ASTNode[], text: string): FieldTest | undefined {
  const path = pathBelowEvent(field);
  const texts = values.flatMap(({ op, args }) => (op === 'value' && typeof args === 'string' ? [args] : []));
  if (path === undefined || path.length === 0 || texts.length < values.length) return undefined;
  return { path, values: texts, of: text.slice(field.start, field.end) };
}

/** Of `event.data.labels['a']`, `event.data.args[0]`; an optional access is none of these. */
function pathBelowEvent(node: ASTNode): (string | number)[] | undefined {
  if (node.op === 'id') return node.args === 'event' ? [] : undefined;
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const owner = pathBelowEvent(node.args[0]);
  const step = node.op === '.' ? node.args[1] : stepOf(node.args[1]);
  return owner === undefined || step === undefined ? undefined : [...owner, step];
}

function stepOf({ op, args }: ASTNode): string | number | undefined {
  if (op !== 'value') return undefined;
  if (typeof args === 'string') return args;
  return typeof args === 'bigint' && args >= 0n && args <= 0xffffffn ? Number(args) : undefined;
}

function isSamePath(left: FieldTest['path'], right: FieldTest['path']): boolean {
  return left.length === right.length && left.every((step, index) => step === right[index]);
}
