/** What a seed gives: events, how the commands go, and the faults. fast-check makes it, and makes it smaller on failure. */
import fc from 'fast-check';
import type { TaskStatus } from '../../../lib/model/status.ts';
import { type Fault, KINDS, PARTS, type Part } from './faults.ts';
import { ALERTS } from './rules.ts';

export interface PlannedEvent {
  /** Seconds after the beginning. */
  atS: number;
  /** The alert's name, and so the rule; `resolved`: the rules that cancel. */
  alert: (typeof ALERTS)[number] | 'resolved';
  /** Which instances of the fleet: a bit each. */
  instances: number;
  /** So often it is delivered. */
  deliveries: number;
}

export interface Plan {
  /** Of latencies and of the order of what happens at once. */
  order: number;
  events: readonly PlannedEvent[];
  faults: readonly Fault[];
  /** Tasks in their order, repeated: how each ends, after how many seconds. */
  tasks: readonly (readonly [TaskStatus, number])[];
  /** When a cloud answers nobody: which, from second, for seconds. */
  away: readonly (readonly ['tencent' | 'alibaba', number, number])[];
  /** What the clocks of the processes are wrong by, in turns, in milliseconds. */
  skewsMs: readonly number[];
  /** How long the index of live runs is behind, at the most. */
  indexLagMs: number;
  /** Each minute two pollers begin. */
  hasTwoPollers: boolean;
  /** Which messages of the runs queue the previous version wrote. */
  earlier: readonly number[];
  /** When the previous version writes a run that lives, in seconds. */
  earlierSaves: readonly number[];
  /** From second, for seconds. */
  frozen: readonly [number, number] | undefined;
}

/** So that most faults befall a request that there is. */
const REQUESTS: Readonly<Record<Part, number>> = { table: 150, queue: 30, invoke: 6, cloud: 40 };

const fault = fc.oneof(
  ...PARTS.map((part) =>
    fc.record<Fault>({
      part: fc.constant(part),
      nth: fc.nat(REQUESTS[part]),
      kind: fc.constantFrom(...KINDS[part]),
      ms: fc.constantFrom(500, 4_000, 16_000, 70_000, 240_000),
    }),
  ),
);

const END: fc.Arbitrary<TaskStatus> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<TaskStatus>('succeeded') },
  { weight: 1, arbitrary: fc.constantFrom<TaskStatus>('failed', 'timed_out') },
);

export const PLAN: fc.Arbitrary<Plan> = fc.record({
  order: fc.nat(),
  events: fc.array(
    fc.record<PlannedEvent>({
      atS: fc.nat(90),
      alert: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...ALERTS) },
        { weight: 1, arbitrary: fc.constant('resolved' as const) },
      ),
      instances: fc.integer({ min: 1, max: 7 }),
      deliveries: fc.integer({ min: 1, max: 2 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  faults: fc.array(fault, { maxLength: 12 }),
  tasks: fc.array(fc.tuple(END, fc.nat(45)), { minLength: 1, maxLength: 8 }),
  away: fc.array(
    fc.tuple(
      fc.constantFrom('tencent' as const, 'alibaba' as const),
      fc.nat(120),
      fc.integer({ min: 1, max: 300 }),
    ),
    { maxLength: 1 },
  ),
  skewsMs: fc.array(fc.integer({ min: -1_500, max: 1_500 }), { minLength: 1, maxLength: 4 }),
  indexLagMs: fc.constantFrom(5, 50, 1_000, 4_000),
  hasTwoPollers: fc.boolean(),
  earlier: fc.array(fc.nat(8), { maxLength: 2 }),
  earlierSaves: fc.array(fc.nat(120), { maxLength: 1 }),
  frozen: fc.option(fc.tuple(fc.nat(120), fc.integer({ min: 1, max: 120 })), { nil: undefined, freq: 6 }),
});
