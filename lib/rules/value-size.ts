/**
 * How much there is of a value: what it costs to compare it, or to find its type, which the CEL library does by looking
 * at all keys of a map. Each object is measured once.
 */
import { EvaluationError } from '@marcbachmann/cel-js';

/** Characters that are one step: the slowest thing done to a text looks at each of them. */
const CHARACTERS = 16;
/** Deeper values are not compared … */
const MAX_HEIGHT = 64;
/** … and types of more parts not made: the library keeps each for ever, and an event may have any. */
const MAX_TYPE_HEIGHT = 10;

export interface Size {
  /** All that is in it, in steps. */
  readonly whole: number;
  /** What finding its type costs: the first of each list and map, and all keys of a map. */
  readonly type: number;
  readonly height: number;
  readonly typeHeight: number;
}

const PLAIN: Size = { whole: 1, type: 1, height: 0, typeHeight: 0 };
const sizes = new WeakMap<object, Size>();

/** @throws EvaluationError for what is nested too deep */
export function sizeOf(value: unknown): Size {
  const size = measure(value, 0);
  if (size.typeHeight > MAX_TYPE_HEIGHT) throw tooDeep(MAX_TYPE_HEIGHT);
  return size;
}

function measure(value: unknown, depth: number): Size {
  if (typeof value === 'string') return ofLength(value.length);
  if (typeof value !== 'object' || value === null) return PLAIN;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  if (value instanceof Uint8Array) return ofLength(value.length);
  const isList = Array.isArray(value);
  if (!isList && !isPlainMap(value)) return PLAIN;
  if (depth >= MAX_HEIGHT) throw tooDeep(MAX_HEIGHT);
  const size = isList
    ? ofParts(value, 0, depth)
    : ofParts(Object.values(value), Object.keys(value).length, depth);
  sizes.set(value, size);
  return size;
}

function isPlainMap(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function ofLength(length: number): Size {
  const steps = 1 + Math.floor(length / CHARACTERS);
  return length < CHARACTERS ? PLAIN : { whole: steps, type: 1, height: 0, typeHeight: 0 };
}

function ofParts(parts: readonly unknown[], keys: number, depth: number): Size {
  let whole = 1 + 2 * keys;
  let height = 0;
  for (const part of parts) {
    const size = measure(part, depth + 1);
    whole += size.whole;
    height = Math.max(height, size.height);
  }
  const first = parts.length === 0 ? PLAIN : measure(parts[0], depth + 1);
  return { whole, type: 1 + 2 * keys + first.type, height: height + 1, typeHeight: first.typeHeight + 1 };
}

function tooDeep(limit: number): EvaluationError {
  return new EvaluationError({ code: 'too_deep', message: `the value is nested more than ${limit} deep` });
}
