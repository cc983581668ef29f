/**
 * What an expression may name: the fields of trigger events as CEL types, walked from the zod schemas that make the
 * events, so that a rule is type-checked against what the source really gives.
 */
import * as z from 'zod';
import { DATA_BY_KIND, type EventKind, TriggerEvent } from '../model/trigger-event.ts';

/** A CEL type (`string`, `map<string, string>`, `dyn`), or fields. */
export type FieldType = string | { readonly [field: string]: FieldType };

/** The fields of `event` for these kinds: all that any of them has; `dyn` where two kinds disagree. */
export function eventFields(kinds: readonly EventKind[]): { [field: string]: FieldType } {
  const [anyEvent] = TriggerEvent.options;
  return {
    ...fieldsOf(anyEvent.shape),
    data: kinds.map((kind) => typeOf(DATA_BY_KIND[kind])).reduce(unite),
  };
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
