/**
 * The cases of a rules file as people write them (`rules.test.yml`). The JSON Schema for editors
 * (events/schemas/rules-test.schema.json) and the words of error messages come from here.
 */
import * as z from 'zod';
import { durationBetween } from '../../../../lib/rules/duration.ts';

const DAY = 86_400_000;

const Texts = z.record(z.string(), z.string());
const Instances = z.array(z.string());

/** The fields of an expected run; each given field is compared. */
const target = {
  rule: z.string().describe('The rule.'),
  provider: z.string().optional().describe('The cloud.'),
  region: z.string().optional().describe('The region.'),
  command: z.string().optional().describe('The id of the command.'),
  instances: Instances.optional().describe('All of its instances, in any order.'),
  parameters: Texts.optional().describe('All of its parameters; a secret one is `•••`.'),
} as const;

export const ExpectedRun = z
  .strictObject({
    ...target,
    waited: z
      .string()
      .optional()
      .describe(
        'What it waited for before it was sent: guard.in-flight, guard.lock, approval. Default: it was sent at once, or it is a mistake.',
      ),
  })
  .describe('A run that is sent.');
export type ExpectedRun = z.infer<typeof ExpectedRun>;

export const ExpectedSchedule = z
  .strictObject({
    ...target,
    at: z.string().optional().describe('When it is sent: an ISO 8601 instant.'),
    recurrence: z.string().optional().describe('Again and again, as the provider writes it.'),
  })
  .describe('A run that is to be sent later.');
export type ExpectedSchedule = z.infer<typeof ExpectedSchedule>;

export const ExpectedCancel = z
  .strictObject({
    rule: z.string().describe('The rule that cancels.'),
    of: z.string().optional().describe('The rule whose runs it cancels.'),
    key: z.string().optional().describe('Only those of this key.'),
    runs: z.int().min(0).optional().describe('How many runs it stops that have not ended.'),
  })
  .describe('A cancel.');
export type ExpectedCancel = z.infer<typeof ExpectedCancel>;

export const ExpectedStop = z
  .strictObject({
    rule: z.string().describe('The rule that matched.'),
    reason: z
      .string()
      .describe(
        'The code of the reason: guard.dedupe, parameters.unsafe, …; `run.known` where the same delivery came again.',
      ),
    message: z.string().optional().describe('A part of its text.'),
  })
  .describe('A rule that matched, and whose run was not sent.');
export type ExpectedStop = z.infer<typeof ExpectedStop>;

export const ExpectedNoMatch = z
  .strictObject({
    rule: z.string().describe('The rule.'),
    because: z.string().optional().describe('A part of the reason.'),
  })
  .describe('A rule on the source of the event that does not fire.');

export const Expectation = z
  .strictObject({
    runs: z.array(ExpectedRun).default([]).describe('All runs that are sent. Default: none.'),
    schedules: z.array(ExpectedSchedule).default([]).describe('All runs for later. Default: none.'),
    cancels: z.array(ExpectedCancel).default([]).describe('All cancels. Default: none.'),
    stopped: z
      .array(ExpectedStop)
      .default([])
      .describe('All rules that matched and whose run was not sent, with the reason. Default: none.'),
    unmatched: z
      .array(ExpectedNoMatch)
      .default([])
      .describe(
        'Rules that must not fire, with the reason. Others may be there too. Default: not looked at.',
      ),
    answer: z.string().optional().describe('A part of what the chat is answered. Default: not looked at.'),
  })
  .describe('What comes of it. What is not written here must not happen.');
export type Expectation = z.infer<typeof Expectation>;

const Fleets = z.record(z.string(), Instances);
const Takes = durationBetween(1000, DAY);

export const Case = z
  .strictObject({
    name: z.string().min(1).describe('What it shows, for people.'),
    event: z
      .unknown()
      .optional()
      .describe(
        'A file, relative to this one, with a trigger event or a source’s payload. Or the event itself: a payload with `source`, or `{ kind, data }` of a trigger event, whose other fields are generated. Absent: only time passes, and scheduled runs fire.',
      ),
    source: z
      .string()
      .optional()
      .describe('Who sent it. Default: by the name of the file, or by what the payload says of itself.'),
    at: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        'When it comes. Default: the time of the event, or of the case before if that is later. Cases are in the order of time.',
      ),
    after: durationBetween(0, 365 * DAY)
      .optional()
      .describe('How long after the case before it comes.'),
    fires: z
      .string()
      .optional()
      .describe('A standing schedule of the rules file that the cloud fires, in place of an event.'),
    takes: Takes.optional().describe('How long the runs take that it starts. Default: that of the file.'),
    ends: z
      .enum(['succeeded', 'failed'])
      .optional()
      .describe('How the runs end that it starts, for `guards.breaker`. Default: succeeded.'),
    approve: z
      .string()
      .optional()
      .describe('A second person approves the runs of this rule that wait for it.'),
    deny: z.string().optional().describe('A second person denies the runs of this rule that wait for it.'),
    fleets: Fleets.optional().describe(
      'The instances that these tagged fleets have from here on: one has grown. Default: as before.',
    ),
    frozen: z.boolean().optional().describe('Sets the kill switch from here on, or lifts it.'),
    expect: Expectation.describe('What comes of it; `nothing` in place of it where nothing does.'),
  })
  .describe('One delivered request, and what comes of it.');
export type Case = z.infer<typeof Case>;

export const CasesFile = z
  .strictObject({
    version: z.literal(1).describe('The version of this format: 1.'),
    rules: z
      .string()
      .optional()
      .describe('The rules file, from here. Default: this file’s name without `.test`.'),
    takes: Takes.prefault('30s').describe(
      'How long runs take: until then they are in flight, and can be cancelled. Default: 30s.',
    ),
    fleets: Fleets.default({}).describe(
      'The instances of tagged fleets, by the names of `fleets` in the rules: no cloud is asked here. A run on another tagged fleet is stopped as fleet.unread.',
    ),
    cases: z
      .array(Case)
      .min(1)
      .max(1000)
      .describe(
        'In the order of time. They share the memory of the guards: what ran is remembered by the next.',
      ),
  })
  .describe('Cases for a rules file: events in, and what would run. Nothing is run.');
export type CasesFile = z.infer<typeof CasesFile>;
