/** Choices between fields: for the check of a file, and for editors, because JSON Schema does not see refinements. */
import type * as z from 'zod';

export function exactlyOne(names: readonly string[]) {
  return (given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const found = names.filter((name) => given[name] !== undefined);
    if (found.length === 1) return;
    const came = found.length === 0 ? 'none' : found.join(' and ');
    context.addIssue({
      code: 'custom',
      message: `expected exactly one of ${names.join(', ')}, came ${came}`,
      path: found.slice(1, 2),
    });
  };
}

/** The same for editors: JSON Schema does not see refinements. */
export function oneOf(names: readonly string[]) {
  return { oneOf: names.map((name) => ({ required: [name] })) };
}

export function allOf(...parts: readonly { oneOf: readonly object[] }[]) {
  return { allOf: parts };
}
