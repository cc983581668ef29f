/** The fields that several actions take, with the limits of the documents. Codes differ by action, and are given. */
import * as z from 'zod';
import { ID_FORMS } from './ids.ts';
import { breach } from './input.ts';

export type IdKind = keyof typeof ID_FORMS;

const EXAMPLES: Record<IdKind, string> = {
  command: 'cmd-ffxdx79i',
  invocation: 'inv-8xgjrytm',
  invocationTask: 'invt-08oe5fe2',
  invoker: 'ivk-le1g3x2h',
  instance: 'ins-zj0f57ex or lhins-ar5wyn40',
};

export function isId(kind: IdKind, value: string): boolean {
  return ID_FORMS[kind].test(value);
}

/** One id; `code` for a malformed one. */
export function id(kind: IdKind, code: string) {
  return z.string().refine(
    (value) => isId(kind, value),
    breach(code, (input) => `expected an id like ${EXAMPLES[kind]}, got \`${show(input)}\``),
  );
}

export interface IdListRules {
  kind: IdKind;
  max: number;
  /** For a malformed one. */
  malformed: string;
  /** For more than `max`. */
  tooMany: string;
  /** For none, and for one that is there twice. */
  invalid: string;
}

/** A list of ids: not empty, at most `max`, none of them twice. */
export function ids({ kind, max, malformed, tooMany, invalid }: IdListRules) {
  return z
    .array(z.string())
    .refine((list) => list.length > 0, breach(invalid, 'expected at least one id, got an empty list'))
    .refine((list) => list.length <= max, breach(tooMany, `expected at most ${max} ids`))
    .refine(
      (list) => list.every((value) => isId(kind, value)),
      breach(malformed, (input) => {
        const wrong = z
          .array(z.string())
          .parse(input)
          .filter((value) => !isId(kind, value));
        return `expected ids like ${EXAMPLES[kind]}, got \`${show(wrong[0])}\``;
      }),
    )
    .refine((list) => new Set(list).size === list.length, breach(invalid, 'expected each id once'));
}

/** A text of at most so many characters. */
export function text(max: number, code: string) {
  return z.string().refine(
    (value) => [...value].length <= max,
    breach(code, (input) => `expected at most ${max} characters, got ${String(input).length}`),
  );
}

/** Seconds, 1 to 86400. */
export function timeout(code: string) {
  return z.int().refine(
    (value) => value >= 1 && value <= 86_400,
    breach(code, (input) => `expected 1 to 86400 seconds, got ${show(input)}`),
  );
}

/** A user of the instance: at most 256 characters, no blanks or control characters. */
export function username(code: string) {
  return z
    .string()
    .refine(
      (value) => value.length <= 256 && /^[^\s\p{Cc}:/]+$/u.test(value),
      breach(code, 'expected a user name of at most 256 characters without blanks, colons and slashes'),
    );
}

/** An absolute path, of Unix or Windows. */
export function workingDirectory(code: string) {
  return z.string().refine(
    (value) => /^(\/|[A-Za-z]:[\\/])/.test(value) && !/\p{Cc}/u.test(value) && value.length <= 4096,
    breach(code, (input) => `expected an absolute path, got \`${show(input)}\``),
  );
}

export function outputCosBucketUrl(code: string) {
  return z
    .string()
    .refine(
      (value) => /^https:\/\/[a-z0-9][a-z0-9-]*-\d+\.cos\.[a-z0-9-]+\.myqcloud\.com\/?$/i.test(value),
      breach(code, 'expected a URL like https://BucketName-123454321.cos.ap-beijing.myqcloud.com'),
    );
}

/** The document's three rules: visible characters, at most 60; no `..` as a folder; no leading or double slash. */
export function outputCosKeyPrefix(code: string) {
  return z
    .string()
    .refine(
      (value) =>
        value.length <= 60 &&
        !/[\p{Cc}\s]/u.test(value) &&
        !value.startsWith('/') &&
        !value.includes('//') &&
        !value.split('/').includes('..'),
      breach(code, 'expected at most 60 visible characters, no leading or double slash and no folder `..`'),
    );
}

/** @param code for more than 10, an empty key, or a key that is there twice */
export function tags(code: string) {
  return z
    .array(z.strictObject({ Key: z.string(), Value: z.string() }))
    .refine((list) => list.length <= 10, breach(code, 'expected at most 10 tags'))
    .refine((list) => list.every(({ Key }) => Key !== ''), breach(code, 'expected a key in each tag'))
    .refine(
      (list) => new Set(list.map(({ Key }) => Key)).size === list.length,
      breach(code, 'expected each tag key once'),
    );
}

function show(value: unknown): string {
  return String(value).slice(0, 64);
}
