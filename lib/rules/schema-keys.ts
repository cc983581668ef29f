/** The keys that a schema knows at a place, to tell who mistyped one what was meant. */
import * as z from 'zod';
import type { Path } from './positions.ts';

export function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  const [step, ...rest] = path;
  if (schema instanceof z.core.$ZodObject) {
    const { shape } = schema._zod.def;
    if (step === undefined) return Object.keys(shape);
    const field = Object.entries(shape).find(([name]) => name === step)?.[1];
    return field === undefined ? [] : keysAt(field, rest);
  }
  if (schema instanceof z.core.$ZodArray) return keysAt(schema._zod.def.element, rest);
  if (schema instanceof z.core.$ZodRecord) return keysAt(schema._zod.def.valueType, rest);
  if (schema instanceof z.core.$ZodUnion) {
    return schema._zod.def.options.flatMap((option) => keysAt(option, path));
  }
  if (
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault
  ) {
    return keysAt(schema._zod.def.innerType, path);
  }
  return [];
}
