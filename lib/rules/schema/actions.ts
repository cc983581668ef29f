/** What a rule does: `run`, `schedule`, `cancel`; and standing schedules. */
import * as z from 'zod';
import { OnUnavailable } from '../../model/run-request.ts';
import { durationBetween } from '../duration.ts';
import { nameOf } from '../name-of.ts';
import { FollowUpSpecs } from './follow-ups.ts';
import { Notify } from './notify.ts';
import { allOf, exactlyOne, oneOf } from './one-of.ts';
import { Options, onePlace, placed, Target, Unsafe } from './target.ts';
import { WavesSpec } from './waves.ts';
import { Cel, DAY, SECOND, Template } from './words.ts';

const TIMINGS = ['at', 'recurrence'];

/** How a run is executed, apart from command and target. */
const Execution = {
  timeout: durationBetween(SECOND, DAY)
    .optional()
    .describe('How long the command may run, 1s to 24h (Alibaba: from 10s). Default: the command’s own.'),
  workingDirectory: Template.optional().describe(
    'An absolute path on the instance. Default: the command’s own.',
  ),
  ...Options,
  onUnavailable: OnUnavailable.default('fail').describe(
    'What to do about instances that are stopped or offline: fail the run, retry until `deadline`, or skip them and run on the rest. Default: fail.',
  ),
  waves: WavesSpec.optional(),
  deadline: durationBetween(SECOND, DAY)
    .prefault('15m')
    .describe(
      'How late the run may be sent (after retries, waiting for maxInFlight, a redrive); then it ends as expired. Counts from when the event was received or its message first sent; for `schedule`, from its time. Default: 15m.',
    ),
} as const;

export const RunSpec = z
  .strictObject({ ...Target, unsafe: Unsafe, ...Execution })
  .superRefine(placed)
  .meta(onePlace())
  .describe('Run a stored command now.');
export type RunSpec = z.infer<typeof RunSpec>;

const Timing = {
  at: Template.optional().describe(
    'Once: an ISO 8601 instant with Z or an offset, or a duration from now (30m), a year ahead at most. A template may give it.',
  ),
  recurrence: Template.optional().describe(
    'Repeatedly, in the provider’s form: five crontab fields in Beijing time (Tencent); rate(5m), or six or seven fields that begin with seconds and end with a zone (Alibaba).',
  ),
} as const;

export const ScheduleSpec = z
  .strictObject({ ...Target, unsafe: Unsafe, ...Execution, ...Timing })
  .superRefine(exactlyOne(TIMINGS))
  .superRefine(placed)
  .meta(allOf(oneOf(TIMINGS), onePlace()))
  .describe(
    'Run a stored command later, once or repeatedly. fleet-reflex sends it at its time, and checks the guards and the kill switch then.',
  );
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

export const CancelSpec = z
  .strictObject({
    rule: z.string().describe('The rule whose live runs are cancelled.'),
    key: Cel.optional().describe(
      'CEL: only the runs with this `guards.dedupe.key`; an empty key is a rejection. Default: all live runs of the rule. The end of an alert always stops only the runs of its own episode.',
    ),
  })
  .describe('Cancel the live runs of another rule.');
export type CancelSpec = z.infer<typeof CancelSpec>;

export const StandingScheduleSpec = z
  .strictObject({
    name: nameOf('schedule').describe(
      'Unique, also among the rules: its runs are listed under it, and the provider’s schedule has this name.',
    ),
    ...Target,
    timeout: durationBetween(SECOND, DAY)
      .optional()
      .describe('Alibaba: how long the command may run, 10s to 24h. Default: the command’s own.'),
    workingDirectory: z
      .string()
      .optional()
      .describe('Alibaba: an absolute path on the instance. Default: the command’s own.'),
    ...Options,
    ...Timing,
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'false: the schedule is disabled. Tencent keeps it, disabled; Alibaba cannot pause one, so it is removed until it is enabled again. Default: true.',
      ),
    notify: Notify,
    ...FollowUpSpecs,
  })
  .superRefine(exactlyOne(TIMINGS))
  .superRefine(placed)
  .meta(allOf(oneOf(TIMINGS), onePlace()))
  .describe('A schedule that is synchronised with the provider: created, changed, removed. No templates.');
export type StandingScheduleSpec = z.infer<typeof StandingScheduleSpec>;
