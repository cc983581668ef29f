/**
 * The switchboard of faults: what a network and the vendor do on a bad day, on demand. The same from a test
 * (`server.faults.add`) and over HTTP (`POST /_faults`). A fault is used up by what it hits.
 */
import * as z from 'zod';
import { type Waiting, waitingFaults } from '../faults/waiting.ts';
import { TatError } from './tat-error.ts';

const ms = z.int().min(0).max(86_400_000);
const hits = {
  action: z.string().optional().describe('Which action it hits; default every action'),
  times: z.int().min(1).default(1).describe('How many it hits'),
};
const statuses = [
  'PENDING',
  'DELIVERING',
  'DELIVER_DELAYED',
  'DELIVER_FAILED',
  'START_FAILED',
  'TASK_TIMEOUT',
] as const;
const instance = {
  instanceId: z.string().optional().describe('Whose next task it hits; default any'),
  times: hits.times,
};

const FaultSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      ...hits,
      kind: z.literal('error'),
      code: z.string().min(1),
      message: z.string().optional(),
    })
    .extend({ isAfter: z.boolean().default(false).describe('Whether the effect happens all the same') }),
  z.strictObject({ ...hits, kind: z.literal('throttle') }),
  z.strictObject({ ...hits, kind: z.literal('httpStatus'), status: z.int().min(400).max(599) }),
  z.strictObject({ ...hits, kind: z.literal('dropBefore') }),
  z.strictObject({ ...hits, kind: z.literal('dropAfter') }),
  z.strictObject({ ...hits, kind: z.literal('beginLate'), ms }),
  z.strictObject({ ...hits, kind: z.literal('answerLate'), ms }),
  z.strictObject({ ...hits, kind: z.literal('garbage'), body: z.string() }),
  z.strictObject({ ...hits, kind: z.literal('clockSkew'), seconds: z.int() }),
  z.strictObject({ ...hits, kind: z.literal('lateVisibility'), ms }),
  z.strictObject({
    ...instance,
    kind: z.literal('task'),
    status: z.enum(statuses),
    ms: ms.optional(),
    errorInfo: z.string().min(1).optional().describe("The agent's words, for an end"),
  }),
  z.strictObject({
    ...instance,
    kind: z.literal('delivery'),
    message: z.string().min(1).default('AccessDenied: the TAT service role may not write to the bucket'),
  }),
]);
/**
 * What befalls a request, or, for `task` and `delivery`, a task.
 *
 * - `error`: answers this code, and does nothing unless `isAfter`
 * - `throttle`: `RequestLimitExceeded`, does nothing
 * - `httpStatus`: that HTTP status without an envelope, does nothing
 * - `dropBefore`, `dropAfter`: closes the connection before or after the effect, without an answer
 * - `beginLate`, `answerLate`: waits before or after the effect
 * - `garbage`: does it, and answers this text in the place of JSON
 * - `clockSkew`: the server's clock is off by so many seconds for this request
 * - `lateVisibility`: what this InvokeCommand or RunCommand starts is listed only after `ms`
 * - `task`: PENDING, DELIVERING or DELIVER_DELAYED for `ms`, then it runs (default: until it is cancelled);
 *   DELIVER_FAILED after `ms` (default 0); START_FAILED, as `errorInfo` says; TASK_TIMEOUT `ms` after the start
 *   (default 0), while the command really runs on
 * - `delivery`: the output is not stored in COS, and OutputUploadCOSErrorInfo has `message`
 */
export type Fault = z.input<typeof FaultSchema>;
type Checked = z.output<typeof FaultSchema>;
export type RequestFault = Exclude<Checked, { kind: 'task' | 'delivery' }>;
export type TaskFault = Extract<Checked, { kind: 'task' }>;

export type Faults = Waiting<Fault, Checked>;

export function createFaults(): Faults {
  return waitingFaults<Fault, Checked>(checkFault);
}

/** Checks a fault that came from outside. */
export function checkFault(fault: unknown): Checked {
  const parsed = FaultSchema.safeParse(fault);
  if (parsed.success) return parsed.data;
  throw new TatError('InvalidParameter', `This is no fault: ${z.prettifyError(parsed.error)}`);
}
