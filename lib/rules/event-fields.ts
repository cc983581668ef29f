/**
 * What an expression may name: the fields of trigger events as CEL types, walked from the zod schemas that make the
 * events, so that a rule is type-checked against what the source really gives.
 */
import * as z from 'zod';
import { DATA_BY_KIND, type EventKind, TriggerEvent } from '../events/trigger-event.ts';

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
  if (schema instanceof z.core.$ZodOptional) return typeOf(schema._zod.def.innerType);
  if (schema instanceof z.core.$ZodString || schema instanceof z.core.$ZodEnum) return 'string';
  if (schema instanceof z.core.$ZodLiteral) return 'string';
  // JSON has one kind of number, and CEL calls what comes of it a double.
  if (schema instanceof z.core.$ZodNumber) return 'double';
  if (schema instanceof z.core.$ZodBoolean) return 'bool';
  if (schema instanceof z.core.$ZodArray) return `list<${nameOf(typeOf(schema._zod.def.element))}>`;
  if (schema instanceof z.core.$ZodRecord) return `map<string, ${nameOf(typeOf(schema._zod.def.valueType))}>`;
  // A loose object has fields that its schema does not know.
  if (schema instanceof z.core.$ZodObject && schema._zod.def.catchall instanceof z.core.$ZodNever) {
    return fieldsOf(schema._zod.def.shape);
  }
  return 'dyn';
}

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
