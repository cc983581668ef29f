/**
 * The rules file as people write it. Types, the JSON Schema for editors
 * (events/schemas/rules.schema.json) and error messages are derived from the files of this folder.
 */
import * as z from 'zod';
import { Outputs } from '../../model/reply-to.ts';
import { nameOf } from '../name-of.ts';
import { CancelSpec, RunSpec, ScheduleSpec, StandingScheduleSpec } from './actions.ts';
import { AllowSpec } from './allow.ts';
import { ApprovalSpec } from './approval.ts';
import { FleetSpec } from './fleets.ts';
import { FollowUpSpecs } from './follow-ups.ts';
import { GuardsSpec } from './guards.ts';
import { DestinationSpec, Notify } from './notify.ts';
import { exactlyOne, oneOf } from './one-of.ts';
import { FileWindowSpecs, RuleWindowSpecs } from './windows.ts';
import { Cel, CLOUDS, Region } from './words.ts';

const ACTIONS = ['run', 'cancel', 'schedule'];

export const RuleSpec = z
  .strictObject({
    name: nameOf('rule').describe(
      'Unique. Part of the run id: a new name is a new rule, and may run an old event again.',
    ),
    on: z
      .union([z.string(), z.array(z.string()).min(1)], {
        error: 'expected the name of a source, or a list of names',
      })
      .optional()
      .describe(
        'The source or sources of its events (docs/sources.md). Without it, the rule runs only after others that name it in `onFailure` or `onSuccess`.',
      ),
    when: Cel.optional().describe(
      'CEL over `event`: the rule fires if it is true. An error (a missing label) is no match. An alert that is not firing fires only a rule whose `when` reads event.data.status. Default: always.',
    ),
    allow: AllowSpec.optional(),
    byName: z
      .boolean()
      .default(false)
      .describe(
        'For chat sources: people run and schedule it by its name (`run <rule>`), and only so. A `when`, if present, must also be true; without one no other event fires the rule. Default: false.',
      ),
    run: RunSpec.optional(),
    cancel: CancelSpec.optional(),
    schedule: ScheduleSpec.optional(),
    approval: ApprovalSpec.optional(),
    guards: GuardsSpec.optional(),
    ...RuleWindowSpecs,
    notify: Notify,
    ...FollowUpSpecs,
    outputs: Outputs.default('caller').describe(
      'Who sees the output in a chat: `caller`, only the person who asked (in a chat that cannot answer one person, the output is left out); `channel`, everybody in the channel; `none`, nobody. The result is always shown, and completion events and `GET /runs` contain the output. Default: caller.',
    ),
  })
  .superRefine(exactlyOne(ACTIONS))
  .meta(oneOf(ACTIONS))
  .describe('An action for the events of a source that match an expression.');
export type RuleSpec = z.infer<typeof RuleSpec>;

const ProviderSpec = z.strictObject({
  region: Region.describe('The region of rules and fleets that name none.'),
});

export const ProvidersSpec = z.strictObject(
  Object.fromEntries(CLOUDS.map(({ name, title }) => [name, ProviderSpec.optional().describe(`${title}.`)])),
);
export type ProvidersSpec = z.infer<typeof ProvidersSpec>;

export const LimitsSpec = z
  .strictObject({
    runsPerRequest: z
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .describe(
        'How many runs one delivered request (a body over HTTP, a message of a queue) may start; the others are rejected as `limit.runs-per-request`, one rejection for each rule. Default: 50.',
      ),
    chainDepth: z
      .int()
      .min(0)
      .max(20)
      .default(3)
      .describe(
        'How many runs may precede a run in a chain of completion events: with 1 a run may start another, which starts none; with 0 a run starts none. A longer chain, or one that returns to the same rule, is `guard.loop`. Default: 3.',
      ),
  })
  .describe('Limits for the whole file.');
export type LimitsSpec = z.infer<typeof LimitsSpec>;

export const RulesFile = z
  .strictObject({
    version: z.literal(1).describe('The version of this format: 1.'),
    providers: ProvidersSpec.default({}).describe('Settings for all rules of a provider.'),
    fleets: z
      .record(nameOf('fleet'), FleetSpec)
      .default({})
      .describe('Named lists of instances: rules name a fleet in place of a provider and a region.'),
    destinations: z
      .record(nameOf('destination'), DestinationSpec)
      .default({})
      .describe(
        'Named destinations of completion events. `completions` (the queue of that name) is built in.',
      ),
    sources: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Settings of sources, by name (docs/sources.md). Default: each source’s own.'),
    limits: LimitsSpec.prefault({}),
    ...FileWindowSpecs,
    rules: z.array(RuleSpec).max(10_000).describe('Every rule that matches an event fires, in this order.'),
    schedules: z.array(StandingScheduleSpec).max(500).default([]).describe('Standing schedules.'),
  })
  .describe('The rules: what fleet-reflex does on which event.');
