/** Faults of tasks at the local TAT, in addition to the faults of requests at every cloud. */
import * as z from 'zod';
import {
  createFaults,
  delayMs,
  type Faults as FaultsOf,
  hitsInstance,
  REQUEST_FAULTS,
} from '../server/faults.ts';

const TaskFault = z.strictObject({
  ...hitsInstance,
  kind: z.literal('task'),
  status: z.enum([
    'PENDING',
    'DELIVERING',
    'DELIVER_DELAYED',
    'DELIVER_FAILED',
    'START_FAILED',
    'TASK_TIMEOUT',
  ]),
  ms: delayMs.optional(),
  errorInfo: z.string().min(1).optional().describe("The agent's words, for an end"),
});
export type TaskFault = z.output<typeof TaskFault>;

const DeliveryFault = z.strictObject({
  ...hitsInstance,
  kind: z.literal('delivery'),
  message: z.string().min(1).default('AccessDenied: the TAT service role may not write to the bucket'),
});
type DeliveryFault = z.output<typeof DeliveryFault>;

const Fault = z.discriminatedUnion('kind', [...REQUEST_FAULTS, TaskFault, DeliveryFault]);
/**
 * Beside those of requests (`server/faults.ts`):
 *
 * - `task`: PENDING, DELIVERING or DELIVER_DELAYED for `ms`, then it runs (default: until it is cancelled);
 *   DELIVER_FAILED after `ms` (default 0); START_FAILED, as `errorInfo` says; TASK_TIMEOUT `ms` after the start
 *   (default 0), while the command really runs on
 * - `delivery`: the output is not stored in COS, and OutputUploadCOSErrorInfo has `message`
 */
export type Fault = z.input<typeof Fault>;

export type Faults = FaultsOf<Fault, TaskFault, DeliveryFault>;

export function createTatFaults(): Faults {
  return createFaults<Fault, TaskFault, DeliveryFault>(Fault);
}
