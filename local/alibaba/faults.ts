/** Faults of tasks at the local Cloud Assistant, in addition to the faults of requests at every cloud. */
import * as z from 'zod';
import {
  createFaults,
  delayMs,
  type Faults as FaultsOf,
  hitsInstance,
  REQUEST_FAULTS,
} from '../server/faults.ts';
import { DELIVERY_CODES } from './delivery.ts';
import { ERROR_CODES } from './instance-errors.ts';

const TaskFault = z
  .strictObject({
    ...hitsInstance,
    kind: z.literal('task'),
    status: z.enum(['Pending', 'Aborted', 'Error']).optional(),
    errorCode: z.enum(ERROR_CODES).optional(),
    ms: delayMs.optional(),
  })
  .refine(({ status, errorCode }) => status !== undefined || errorCode !== undefined, {
    error: 'expected a status, an errorCode, or both',
  });
export type TaskFault = z.output<typeof TaskFault>;

const DeliveryFault = z
  .strictObject({
    ...hitsInstance,
    kind: z.literal('delivery'),
    code: z.enum(DELIVERY_CODES).optional(),
    ms: delayMs.optional(),
  })
  .refine(({ code, ms: late }) => code !== undefined || late !== undefined, {
    error: 'expected a code, ms, or both',
  });
export type DeliveryFault = z.output<typeof DeliveryFault>;

const Fault = z.discriminatedUnion('kind', [...REQUEST_FAULTS, TaskFault, DeliveryFault]);
/**
 * Beside those of requests (`server/faults.ts`):
 *
 * - `task`: Pending for `ms`, then it runs (default: until it is stopped); Aborted, not delivered, after `ms` (default
 *   0); Error, the agent does not answer any more, `ms` after the start (default 0), while the command really runs on.
 *   With `errorCode` any ErrorCode of the document, in the place where it belongs: before the start, or `ms` after it
 * - `delivery`: the output is not stored in OSS, with that OssOutputErrorCode; or it is, but only after `ms`
 */
export type Fault = z.input<typeof Fault>;

export type Faults = FaultsOf<Fault, TaskFault, DeliveryFault>;

export function createCloudAssistantFaults(): Faults {
  return createFaults<Fault, TaskFault, DeliveryFault>(Fault);
}
