/**
 * The switchboard of faults: what a network and the vendor do on a bad day, on demand. The same from a test
 * (`server.faults.add`) and over HTTP (`/_faults`). A fault is used up by what it hits. The words are those of the
 * local TAT (`local/tencent/faults.ts`); the states of tasks are this vendor's.
 */
import * as z from 'zod';
import { type Waiting, waitingFaults } from '../faults/waiting.ts';
import { ApiError } from './api-error.ts';
import { DELIVERY_CODES } from './delivery.ts';
import { ERROR_CODES } from './instance-errors.ts';

const ms = z.int().min(0).max(86_400_000);
const hits = {
  action: z.string().optional().describe('Which action it hits; default every action'),
  times: z.int().min(1).default(1).describe('How many it hits'),
};

const instance = {
  instanceId: z.string().optional().describe('Whose next task it hits; default any'),
  times: hits.times,
};

/** What befalls a request, or, for `task` and `delivery`, a task. */
const Fault = z.discriminatedUnion('kind', [
  z.strictObject({
    ...hits,
    kind: z.literal('error'),
    code: z.string().min(1),
    httpStatus: z.int().min(400).max(599).optional(),
    isAfter: z.boolean().default(false).describe('Whether the effect happens all the same'),
  }),
  z.strictObject({ ...hits, kind: z.literal('throttle'), retryAfterMs: ms.optional() }),
  z.strictObject({ ...hits, kind: z.literal('httpStatus'), status: z.int().min(400).max(599) }),
  z.strictObject({ ...hits, kind: z.literal('dropBefore') }),
  z.strictObject({ ...hits, kind: z.literal('dropAfter') }),
  z.strictObject({ ...hits, kind: z.literal('beginLate'), ms }),
  z.strictObject({ ...hits, kind: z.literal('answerLate'), ms }),
  z.strictObject({ ...hits, kind: z.literal('garbage'), body: z.string() }),
  z.strictObject({ ...hits, kind: z.literal('clockSkew'), seconds: z.int() }),
  z.strictObject({ ...hits, kind: z.literal('lateVisibility'), ms }),
  z
    .strictObject({
      ...instance,
      kind: z.literal('task'),
      status: z.enum(['Pending', 'Aborted', 'Error']).optional(),
      errorCode: z.enum(ERROR_CODES).optional(),
      ms: ms.optional(),
    })
    .refine(({ status, errorCode }) => status !== undefined || errorCode !== undefined, {
      error: 'expected a status, an errorCode, or both',
    }),
  z
    .strictObject({
      ...instance,
      kind: z.literal('delivery'),
      code: z.enum(DELIVERY_CODES).optional(),
      ms: ms.optional(),
    })
    .refine(({ code, ms: late }) => code !== undefined || late !== undefined, {
      error: 'expected a code, ms, or both',
    }),
]);
/**
 * - `error`: answers this code, and does nothing unless `isAfter`
 * - `throttle`: `Throttling.User`, does nothing; with `x-acs-retry-after` where there is a time
 * - `httpStatus`: that HTTP status without a body, does nothing
 * - `dropBefore`, `dropAfter`: closes the connection before or after the effect, without an answer
 * - `beginLate`, `answerLate`: waits before or after the effect
 * - `garbage`: does it, and answers this text in the place of JSON
 * - `clockSkew`: the server's clock is off by so many seconds for this request
 * - `lateVisibility`: what this InvokeCommand or RunCommand starts is listed only after `ms`
 * - `task`: Pending for `ms`, then it runs (default: until it is stopped); Aborted, not delivered, after `ms` (default
 *   0); Error, the agent does not answer any more, `ms` after the start (default 0), while the command really runs on.
 *   With `errorCode` any ErrorCode of the document, in the place where it belongs: before the start, or `ms` after it
 * - `delivery`: the output is not stored in OSS, with that OssOutputErrorCode; or it is, but only after `ms`
 */
export type Fault = z.input<typeof Fault>;
type Checked = z.output<typeof Fault>;
export type RequestFault = Exclude<Checked, { kind: 'task' | 'delivery' }>;
export type TaskFault = Extract<Checked, { kind: 'task' }>;
export type DeliveryFault = Extract<Checked, { kind: 'delivery' }>;

export type Faults = Waiting<Fault, Checked>;

export function createFaults(): Faults {
  return waitingFaults<Fault, Checked>(checkFault);
}

/** Checks a fault that came from outside. @throws ApiError */
export function checkFault(fault: unknown): Checked {
  const parsed = Fault.safeParse(fault);
  if (parsed.success) return parsed.data;
  throw new ApiError('InvalidParameter', `This is no fault: ${z.prettifyError(parsed.error)}`, 400);
}
