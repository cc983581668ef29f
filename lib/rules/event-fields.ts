/**
 * What an expression may name: the fields of trigger events as CEL types, walked from the zod schemas that make the
 * events, so that a rule is type-checked against what the source really gives.
 */
import * as z from 'zod';
import { CompletionEventData } from '../model/completion-event.ts';
import { DATA_BY_KIND, type EventKind, TriggerEvent } from '../model/trigger-event.ts';

/** A CEL type (`string`, `map<string, string>`, `dyn`), or fields. */
export type FieldType = string | { readonly [field: string]: FieldType };

/**
 * A completion event of a newer version may have further fields, and is taken; a rule may name those that this version
 * publishes.
 */
export const KNOWN_DATA = {
  ...DATA_BY_KIND,
  completion: z.strictObject({ ...CompletionEventData.shape, raw: z.unknown() }),
} as const;

const known = new Map<string, { [field: string]: FieldType }>();

/**
 * The fields of `event` for these kinds: all that any of them has; `dyn` where two kinds disagree. Without a kind, of an
 * unknown source, any field.
 */
export function eventFields(kinds: readonly EventKind[]): { [field: string]: FieldType } {
  const key = kinds.join();
  const fields = known.get(key) ?? walk(kinds);
  known.set(key, fields);
  return fields;
}

function walk(kinds: readonly EventKind[]): { [field: string]: FieldType } {
  const [anyEvent] = TriggerEvent.options;
  const [first = 'dyn', ...others] = kinds.map((kind) => typeOf(KNOWN_DATA[kind]));
  return { ...fieldsOf(anyEvent.shape), data: others.reduce(unite, first) };
}

function fieldsOf(shape: Readonly<Record<string, z.core.$ZodType>>): { [field: string]: FieldType } {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, typeOf(field)]));
}

function typeOf(schema: z.core.$ZodType): FieldType {
  // The classes of zod that are imported by name here, not `z.core`, which would bring all its languages along.
  if (schema instanceof z.ZodOptional) return typeOf(schema.def.innerType);
  if (schema instanceof z.ZodArray) return `list<${nameOf(typeOf(schema.element))}>`;
  if (schema instanceof z.ZodRecord) return `map<string, ${nameOf(typeOf(schema.valueType))}>`;
  // A loose object has fields that its schema does not know.
  if (schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodNever)
    return fieldsOf(schema.shape);
  return PLAIN_TYPES[schema._zod.def.type] ?? 'dyn';
}

/** JSON has one kind of number, and CEL calls what comes of it a double. */
const PLAIN_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  enum: 'string',
  literal: 'string',
  number: 'double',
  boolean: 'bool',
};

function nameOf(type: FieldType): string {
  return typeof type === 'string' ? type : 'dyn';
}

function unite(a: FieldType, b: FieldType): FieldType {
  if (typeof a === 'string' || typeof b === 'string') return a === b ? a : 'dyn';
  const united: { [field: string]: FieldType } = { ...a };
  for (const [name, type] of Object.entries(b)) {
    const known = united[name];
    united[name] = known === undefined ? type : unite(known, type);
  }
  return united;
}
