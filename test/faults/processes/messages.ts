/** What the host of a case and the process of the functions say to each other, over the channel of Node. */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import * as z from 'zod';

/** A file of handlers/ each; the console only shows a page, which it builds when it runs from its source. */
export const FUNCTIONS: readonly string[] = readdirSync(new URL('../../../handlers/', import.meta.url))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'console');
export const FunctionName = z
  .string()
  .refine((name) => FUNCTIONS.includes(name), 'expected a file of handlers/');
export type FunctionName = z.infer<typeof FunctionName>;

/** Where a process dies. */
export const Death = z.strictObject({
  /** `lib/runs/send.ts:120:18`. */
  place: z.string(),
  when: z.enum(['before', 'after']),
  /** The how-manieth time that it is there, from 1 on. */
  n: z.int().positive(),
});
export type Death = z.infer<typeof Death>;

export const ToFunctions = z.discriminatedUnion('kind', [
  /** Of a case: the functions are opened with this environment. */
  z.strictObject({
    kind: z.literal('begin'),
    environment: z.record(z.string(), z.string()),
    death: Death.optional(),
    aheadMs: z.number(),
  }),
  z.strictObject({
    kind: z.literal('invoke'),
    id: z.string(),
    name: FunctionName,
    event: z.unknown(),
    budgetMs: z.number(),
  }),
  /** To be answered as soon as nothing but a sleep is waited for. */
  z.strictObject({ kind: z.literal('isIdle') }),
  /** The clock was moved; these sleeps are over. */
  z.strictObject({ kind: z.literal('clock'), aheadMs: z.number(), over: z.array(z.int()) }),
  /** Which places were passed. */
  z.strictObject({ kind: z.literal('report') }),
]);
export type ToFunctions = z.infer<typeof ToFunctions>;

export const FromFunctions = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({ kind: z.literal('begun') }),
  z.strictObject({ kind: z.literal('done'), id: z.string(), answer: z.unknown() }),
  z.strictObject({ kind: z.literal('failed'), id: z.string(), error: z.string() }),
  z.strictObject({ kind: z.literal('sleep'), id: z.int(), ms: z.number() }),
  z.strictObject({ kind: z.literal('idle') }),
  z.strictObject({ kind: z.literal('passed'), places: z.record(z.string(), z.int()) }),
]);
export type FromFunctions = z.infer<typeof FromFunctions>;
