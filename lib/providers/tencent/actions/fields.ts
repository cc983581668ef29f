/** The fields that several TAT actions share, each with the limits that the documents give it. */
import * as z from 'zod';
import { kindOfInstance } from '../instances.ts';

const id = (prefix: string, name: string) =>
  z.string().regex(new RegExp(`^${prefix}-[0-9A-Za-z]+$`), `expected ${name} id: ${prefix}-…`);

export const CommandId = id('cmd', 'a command');
export const InvocationId = id('inv', 'an invocation');
export const InvocationTaskId = id('invt', 'a task');
export const InvokerId = id('ivk', 'an invoker');

const InstanceId = z
  .string()
  .refine(
    (value) => kindOfInstance(value) !== undefined,
    'expected an instance id: ins-…, lhins-… or rins-…',
  );

/** At least one, at most `most`, each once, and all of one kind: the vendor refuses a mixture (InconsistentInstance). */
export function instanceIds(most: number) {
  return z
    .array(InstanceId)
    .min(1)
    .max(most)
    .refine((ids) => new Set(ids).size === ids.length, 'each instance may be named only once')
    .refine((ids) => new Set(ids.map(kindOfInstance)).size <= 1, 'instances of more than one kind');
}

/** As a list of ids is limited in every Describe action. */
export const MAX_IDS = 100;
export const idList = (item: z.ZodType<string, string>) => z.array(item).min(1).max(MAX_IDS);
export const AnyInstanceIds = idList(InstanceId);

/** Names and text values as the JSON text that the vendor takes: at most 20, names of 64 [a-zA-Z0-9-_]. */
export const ParameterMap = z
  .record(z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 of [a-zA-Z0-9-_]'), z.string())
  .refine((map) => Object.keys(map).length <= 20, 'expected at most 20 parameters');

export const ParametersJson = z.string().superRefine((text, context) => {
  const parsed = ParameterMap.safeParse(parseJson(text));
  if (parsed.success) return;
  for (const { message, path } of parsed.error.issues)
    context.addIssue({ code: 'custom', message, path: [...path] });
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds. */
export const Timeout = z.int().min(1).max(86_400);
export const Username = z.string().min(1).max(256);
export const WorkingDirectory = z.string().min(1);
export const OutputCOSBucketUrl = z
  .string()
  .startsWith('https://', 'expected a URL that starts with https://')
  .refine((url) => URL.canParse(url), 'expected a URL');
export const OutputCOSKeyPrefix = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[^\p{C}\p{Z}]+$/u, 'expected visible characters only')
  .refine((prefix) => !prefix.startsWith('/'), 'must not start with /')
  .refine((prefix) => !prefix.includes('//'), 'must not contain //')
  .refine((prefix) => !prefix.split('/').includes('..'), 'must not contain a folder named ..');
/** Base64, at most 64 KB of it. */
export const Content = z.base64().min(1).max(65_536);

export const Tags = z.array(z.strictObject({ Key: z.string().min(1), Value: z.string() })).max(10);

/** 10 filters of 5 values; all filters must hold, any of a filter's values. */
export function filters(...names: string[]) {
  return z
    .array(
      z.strictObject({
        Name: z
          .string()
          .refine((name) => names.includes(name) || (names.includes('tag:') && name.startsWith('tag:')), {
            error: `expected one of ${names.join(', ')}`,
          }),
        Values: z.array(z.string().min(1)).min(1).max(5),
      }),
    )
    .min(1)
    .max(10);
}

/** The vendor's default of 20 rows answers 100 ids with 20 rows and says nothing: ask for a limit always. */
export const Paging = { Limit: z.int().min(1).max(100).optional(), Offset: z.int().min(0).optional() };

/** A refinement: the vendor takes ids or filters, never both (InvalidParameter.ConflictParameter). */
export function idsOrFilters(idField: string) {
  return [
    (request: Record<string, unknown>) => request[idField] === undefined || request['Filters'] === undefined,
    { error: `${idField} and Filters cannot be given together` },
  ] as const;
}

/** A field that an answer may leave out or give as null: absent for us. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}
