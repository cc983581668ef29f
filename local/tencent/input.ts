/**
 * From a request's JSON to what an action takes. Each rule names the documented code that its breach is answered
 * with, because clients decide by codes; everything else follows from the kind of the fault.
 */
import type * as z from 'zod';
import { TatError } from './tat-error.ts';

/**
 * A rule for `schema.refine(test, breach(code, message))`.
 * @param code the documented code
 */
export function breach(code: string, message: string | ((input: unknown) => string)) {
  return {
    params: { code },
    error: (issue: { input?: unknown }) => (typeof message === 'string' ? message : message(issue.input)),
    abort: true,
  };
}

/**
 * Parses the parameters of one action.
 * @throws TatError `UnknownParameter` before `MissingParameter` before `InvalidParameter` (a wrong type) before the
 * codes of rules
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => errorOf(issue, body));
  const order = ['UnknownParameter', 'MissingParameter', 'InvalidParameter'];
  const first = order.map((code) => errors.find((error) => error.code === code)).find((error) => error);
  throw first ?? errors[0] ?? new TatError('InvalidParameter', parsed.error.message);
}

function errorOf(issue: z.core.$ZodIssue, body: unknown): TatError {
  const name = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => [...issue.path, key].map(String).join('.'));
    return new TatError('UnknownParameter', `The parameter \`${names.join('`, `')}\` is not recognized.`);
  }
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return new TatError(
      typeof code === 'string' ? code : 'InvalidParameterValue',
      `\`${name}\`: ${issue.message}`,
    );
  }
  if (valueAt(body, issue.path) === undefined) {
    return new TatError('MissingParameter', `The request is missing a required parameter \`${name}\`.`);
  }
  return new TatError('InvalidParameter', `\`${name || 'the body'}\`: ${issue.message}.`);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}
