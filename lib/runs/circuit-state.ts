/**
 * What is known of the circuit of a region, as pure steps. It is closed, and the cloud is called; it is open until a time,
 * and nothing is sent; then one run tries, and the others wait for what it finds.
 */
import * as z from 'zod';
import { RunId } from '../model/run-request.ts';
import type { Revised } from '../store/cell.ts';

const OpenCircuit = z.strictObject({
  /** ISO 8601. Part of the ids of its events: the same opening has the same ids. */
  since: z.iso.datetime(),
  /** Of the last call that failed. */
  code: z.string(),
  message: z.string(),
  /** Calls in a row when it opened. */
  failures: z.int().positive(),
  /** Tries that failed since. */
  tries: z.int().nonnegative(),
  /** When the next run tries; while one does, when another may. */
  tryAt: z.iso.datetime(),
  triedBy: RunId.optional(),
  /** Whether the event of its opening is out. */
  isTold: z.boolean(),
});
export type OpenCircuit = z.infer<typeof OpenCircuit>;

export const Circuit = z.strictObject({ open: OpenCircuit.optional() });
export type Circuit = z.infer<typeof Circuit>;

export const CLOSED: Circuit = {};

const FIRST_OPEN_MS = 10_000;
const LONGEST_OPEN_MS = 60_000;
/** Longer than a search and a call take: after that the run that tries has died. */
const TRY_MS = 30_000;

/** A call has failed. @param failures in a row in this process, this one included; as many as `most` open it */
export function afterFailure(
  known: Circuit,
  {
    runId,
    failures,
    most,
    code,
    message,
    now,
  }: {
    runId: RunId;
    failures: number;
    most: number;
    code: string;
    message: string;
    now: Date;
  },
): Revised<Circuit, 'opened' | 'stays'> {
  const { open } = known;
  if (open === undefined) {
    if (failures < most) return { state: known, answer: 'stays' };
    const tryAt = after(now, FIRST_OPEN_MS);
    const opened = { since: now.toISOString(), code, message, failures, tries: 0, tryAt, isTold: false };
    return { state: { open: opened }, answer: 'opened' };
  }
  // One that was on its way when it opened says nothing new.
  if (open.triedBy !== runId) return { state: known, answer: 'stays' };
  const { triedBy: _, ...rest } = open;
  const tries = open.tries + 1;
  const tryAt = after(now, Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** Math.min(tries, 10)));
  return { state: { open: { ...rest, code, message, tries, tryAt } }, answer: 'stays' };
}

/** A run wants to call. @returns whether it may; of an open circuit one at a time may, when it is time */
export function wantsCall(known: Circuit, runId: RunId, now: Date): Revised<Circuit, boolean> {
  const { open } = known;
  if (open === undefined || open.triedBy === runId) return { state: known, answer: true };
  if (now.toISOString() < open.tryAt) return { state: known, answer: false };
  return { state: { open: { ...open, triedBy: runId, tryAt: after(now, TRY_MS) } }, answer: true };
}

/** A call was answered. @param since of the opening that this process knows */
export function afterAnswer(known: Circuit, since: string): Revised<Circuit, undefined> {
  return { state: known.open?.since === since ? CLOSED : known, answer: undefined };
}

/** The event of its opening is out. */
export function asTold(known: Circuit, since: string): Revised<Circuit, undefined> {
  const { open } = known;
  if (open === undefined || open.since !== since || open.isTold) return { state: known, answer: undefined };
  return { state: { open: { ...open, isTold: true } }, answer: undefined };
}

function after(now: Date, ms: number): string {
  return new Date(now.getTime() + ms).toISOString();
}
