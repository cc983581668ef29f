/** The facts of a cloud's API that the frame of every client needs (vendor-client.ts): its actions, limits, signature and envelope. */
import type * as z from 'zod';
import type { CallFailed, OwnCode } from './call-outcome.ts';
import type { HttpOutcome } from './http-call.ts';

/** What the frame needs to know of one action. */
export interface VendorAction<Request, Answer> {
  /** The vendor's own name of it. */
  name: string;
  /**
   * - `read`: changes nothing
   * - `repeatable`: a second time changes nothing more (cancel, enable, delete, …)
   * - `once`: a second time may have a second effect (invoke, create, …)
   */
  effect: 'read' | 'repeatable' | 'once';
  /** Every documented limit; nothing undocumented passes. The request is sent as it was given. */
  request: z.ZodType<unknown, Request>;
  /** The fields that we use; others are dropped. */
  answer: z.ZodType<Answer>;
}

/** The facts of a cloud's API. */
export interface Vendor<Credentials> {
  /** For example `https://ecs.{region}.aliyuncs.com`; each origin has connections of its own. */
  endpoint: string;
  /** For each action, and for each region where the vendor counts so. */
  requestsPerSecond: number;
  isRateByRegion: boolean;
  /** What a second of the vendor is for us, in milliseconds. */
  windowMs: number;
  /** How long an action rests after a refusal for the rate. Absent: as long as the refusal says. */
  restMs?: number;
  /** Of one call, waits and repetitions included, in milliseconds. */
  deadlineMs: number;
  /** Of a call that is safe to repeat, the first included. */
  attempts: number;
  sign(request: Unsigned, credentials: Credentials): Signed;
  /** Takes the answer out of the vendor's envelope, and its errors by their codes. */
  open(answer: HttpAnswer, nowMs: number): Opened;
  /** One sentence for the person on call, for what carries no code of the vendor. */
  advice(code: OwnCode, kind: CallFailed['kind']): string;
}

export interface Unsigned {
  action: string;
  region: string;
  request: object;
  /** As it is sent, port included. */
  host: string;
  /** By the vendor's clock, as far as it is known. */
  nowMs: number;
}

/** Of a POST. */
export interface Signed {
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body?: string;
}

export type HttpAnswer = Extract<HttpOutcome, { kind: 'answered' }>;
export type Opened = { kind: 'answered'; answer: unknown; requestId: string | undefined } | CallFailed;
