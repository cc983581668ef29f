/**
 * The switchboard of faults: what a network and a vendor do on a bad day, on demand. The same for each local cloud, and
 * the same from a test (`server.faults.add`) and over HTTP (`/_faults`). A fault is used up by what it hits.
 */
import * as z from 'zod';

export const delayMs = z.int().min(0).max(86_400_000);
const times = z.int().min(1).default(1).describe('How many it hits');
const hits = { action: z.string().optional().describe('Which action it hits; default every action'), times };
/** The common fields of a fault of a task or of the delivery of its output. */
export const hitsInstance = {
  instanceId: z.string().optional().describe('Whose next task it hits; default any'),
  times,
};

/**
 * The faults of requests.
 *
 * - `error`: answers this code, and does nothing unless `isAfter`
 * - `throttle`: the vendor's error of its frequency limit, does nothing; with a time to wait where there is one
 * - `httpStatus`: that HTTP status without a body, does nothing
 * - `dropBefore`, `dropAfter`: closes the connection before or after the effect, without an answer
 * - `beginLate`, `answerLate`: waits before or after the effect
 * - `garbage`: does it, and answers this text in the place of JSON
 * - `clockSkew`: the server's clock is off by so many seconds for this request
 * - `lateVisibility`: what this InvokeCommand or RunCommand starts is listed only after `ms`
 */
export const REQUEST_FAULTS = [
  z.strictObject({
    ...hits,
    kind: z.literal('error'),
    code: z.string().min(1),
    message: z.string().optional().describe("Default the vendor's"),
    httpStatus: z.int().min(400).max(599).optional().describe("Default the vendor's for this code"),
    isAfter: z.boolean().default(false).describe('Whether the effect still happens'),
  }),
  z.strictObject({ ...hits, kind: z.literal('throttle'), retryAfterMs: delayMs.optional() }),
  z.strictObject({ ...hits, kind: z.literal('httpStatus'), status: z.int().min(400).max(599) }),
  z.strictObject({ ...hits, kind: z.literal('dropBefore') }),
  z.strictObject({ ...hits, kind: z.literal('dropAfter') }),
  z.strictObject({ ...hits, kind: z.literal('beginLate'), ms: delayMs }),
  z.strictObject({ ...hits, kind: z.literal('answerLate'), ms: delayMs }),
  z.strictObject({ ...hits, kind: z.literal('garbage'), body: z.string() }),
  z.strictObject({ ...hits, kind: z.literal('clockSkew'), seconds: z.int() }),
  z.strictObject({ ...hits, kind: z.literal('lateVisibility'), ms: delayMs }),
] as const;
export type RequestFault = z.output<(typeof REQUEST_FAULTS)[number]>;

interface OnInstance<Kind extends string> {
  kind: Kind;
  instanceId?: string | undefined;
  times: number;
}

/** `Asked` is what a test or a request writes; the others are what it is once it is checked. */
export interface Faults<Asked, Task extends OnInstance<'task'>, Delivery extends OnInstance<'delivery'>> {
  /** @throws FaultError: it says what was expected */
  add(fault: Asked): void;
  /** Adds what came from outside: one or several, all of them or none. @throws FaultError */
  addUnchecked(sent: unknown): void;
  clear(): void;
  /** The pending faults. */
  list(): readonly (RequestFault | Task | Delivery)[];
  /** The fault for a request that has just come, used up by it. */
  takeForRequest(action: string): RequestFault | undefined;
  takeForTask(instanceId: string): Task | undefined;
  takeForDelivery(instanceId: string): Delivery | undefined;
}

export class FaultError extends Error {
  override readonly name = 'FaultError';
}

/** @param schema the union of `REQUEST_FAULTS` and this cloud's faults of tasks and deliveries */
export function createFaults<Asked, Task extends OnInstance<'task'>, Delivery extends OnInstance<'delivery'>>(
  schema: z.ZodType<RequestFault | Task | Delivery, Asked>,
): Faults<Asked, Task, Delivery> {
  const requests = new Set<RequestFault>();
  const tasks = new Set<Task>();
  const deliveries = new Set<Delivery>();

  const check = (fault: unknown): RequestFault | Task | Delivery => {
    const parsed = schema.safeParse(fault);
    if (parsed.success) return parsed.data;
    throw new FaultError(`This is no fault: ${z.prettifyError(parsed.error)}`);
  };
  const keep = (fault: RequestFault | Task | Delivery): void => {
    if (fault.kind === 'task') tasks.add(fault);
    else if (fault.kind === 'delivery') deliveries.add(fault);
    else requests.add(fault);
  };

  return {
    add: (fault) => keep(check(fault)),
    addUnchecked(sent) {
      for (const fault of (Array.isArray(sent) ? sent : [sent]).map(check)) keep(fault);
    },
    clear() {
      for (const waiting of [requests, tasks, deliveries]) waiting.clear();
    },
    list: () => [...requests, ...tasks, ...deliveries],
    takeForRequest: (action) => take(requests, (fault) => (fault.action ?? action) === action),
    takeForTask: (instanceId) => take(tasks, (fault) => (fault.instanceId ?? instanceId) === instanceId),
    takeForDelivery: (instanceId) =>
      take(deliveries, (fault) => (fault.instanceId ?? instanceId) === instanceId),
  };
}

/** The oldest that is meant; gone when it has hit as often as it says. */
function take<Fault extends { times: number }>(
  waiting: Set<Fault>,
  isMeant: (fault: Fault) => boolean,
): Fault | undefined {
  for (const fault of waiting) {
    if (!isMeant(fault)) continue;
    fault.times -= 1;
    if (fault.times <= 0) waiting.delete(fault);
    return fault;
  }
  return undefined;
}
