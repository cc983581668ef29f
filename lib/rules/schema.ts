/**
 * The rules file as people write it. Types, the JSON Schema for editors
 * (events/schemas/rules.schema.json) and error messages are derived from this file.
 */
import * as z from 'zod';
import { TerminationMode } from '../model/invocation-options.ts';
import { Outputs } from '../model/reply-to.ts';
import { OnUnavailable } from '../model/run-request.ts';
import { OnFreeze } from '../model/window.ts';
import { allProviders } from '../providers/registry.ts';
import { durationBetween } from './duration.ts';
import { nameOf } from './name-of.ts';
import { FileWindowSpecs, RuleWindowSpecs } from './window-schema.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const PARAMETER_FORM = /^[a-zA-Z0-9_-]{1,64}$/;

const ACTIONS = ['run', 'cancel', 'schedule'];
const TIMINGS = ['at', 'recurrence'];
const PLACES = ['fleet', 'provider'];

const CLOUDS = allProviders();
const CLOUD_NAMES = CLOUDS.map(({ name, title }) => `${name} (${title})`).join(' or ');
const ProviderName = z.enum(CLOUDS.map(({ name }) => name));

/** Text with `${…}` in it. */
const Template = z.string().min(1).max(4096);
const Cel = z.string().min(1).max(4096);

/** YAML numbers and booleans are accepted as their text. */
const Value = z.union([z.string().max(4096), z.number(), z.boolean()], { error: 'expected a text' });

const PARAMETER_EXPECTED = 'expected a text, or { value: …, secret: true }';
const ParameterValue = z.union(
  [
    Value,
    z.strictObject({
      value: Value.describe('The value, a template.'),
      secret: z
        .boolean()
        .default(false)
        .describe(
          'Only the provider gets the value; lists, events, chats, records and logs show `•••`. Default: false.',
        ),
    }),
  ],
  { error: PARAMETER_EXPECTED },
);

const Parameters = z
  .record(
    z.string().regex(PARAMETER_FORM, 'expected a name of letters, digits, - and _, at most 64'),
    ParameterValue,
  )
  .default({})
  .describe(
    'Templates for the command’s `{{name}}` placeholders. The provider pastes the values into a script, so each rendered value must match its pattern; otherwise the run is rejected. `{ value: …, secret: true }` is a value that is never shown. At most 20 at Tencent, 10 at Alibaba. Default: none.',
  );

const Patterns = z
  .record(z.string(), z.string().min(1).max(1000))
  .default({})
  .describe(
    'For a parameter, the regular expression (RE2, no lookaround) that its whole value must match. Default: 1 to 256 letters, digits and _ . : @ / + = -, not beginning with - + = @ or /: one word to a shell. A pattern that accepts shell characters, or an arbitrary word that begins with -, is refused unless `unsafe` names it.',
  );

const Unsafe = z
  .array(z.string())
  .default([])
  .describe(
    'The fields that an event may choose although this is unsafe: `instances` without a fleet, `command`, `region`, `username`, `workingDirectory`; or `patterns.<name>` (`patterns` for all) for a pattern that would be refused. Default: none.',
  );

const INSTANCES_EXPECTED =
  'expected an instance id, a template that gives one or a list of them, or a list of such';

const Region = z.string().regex(/^[a-z]{2}[a-z0-9-]{1,62}$/, 'expected a region like ap-guangzhou');

export const FleetSpec = z
  .strictObject({
    provider: ProviderName.describe(`The cloud that owns the instances: ${CLOUD_NAMES}.`),
    region: Region.optional().describe('The region of the instances. Default: that of `providers`.'),
    instances: z.array(z.string()).min(1).max(2000).describe('The ids of the instances, without templates.'),
  })
  .describe('A named list of the instances on which rules may run.');
export type FleetSpec = z.infer<typeof FleetSpec>;

const Target = {
  fleet: nameOf('fleet')
    .optional()
    .describe(
      'The fleet of `fleets` to run on, in place of provider and region. An instance outside it rejects the run.',
    ),
  provider: ProviderName.optional().describe(
    `The cloud that owns the instances: ${CLOUD_NAMES}. Required without \`fleet\`.`,
  ),
  region: Template.optional().describe('The provider’s region. Default: that of `providers`.'),
  command: Template.describe('The id of a command that is stored at the provider: cmd-… or c-….'),
  instances: z
    .union([Template, z.array(Template).min(1).max(1000)], {
      error: INSTANCES_EXPECTED,
    })
    .optional()
    .describe(
      'Where to run: an id, a list of ids, or templates. Templates need a `fleet` that contains the instances. A template that is one expression may give a list. Duplicates count once; an invalid id rejects the run. Default: the whole fleet; required without `fleet`.',
    ),
  parameters: Parameters,
  patterns: Patterns,
  username: Template.optional().describe('The user on the instance. Default: the command’s own.'),
} as const;

/** Constants of the file: an event cannot choose them. */
const Options = {
  output: z
    .strictObject({
      bucket: z
        .string()
        .describe(
          'Tencent: the URL of a COS bucket, https://logs-123454321.cos.ap-beijing.myqcloud.com. Alibaba: the name of an OSS bucket.',
        ),
      prefix: z
        .string()
        .optional()
        .describe(
          'A folder in it, without / at the front, at most 60 characters (Alibaba: 512). Default: none.',
        ),
    })
    .optional()
    .describe(
      'Where the provider stores the whole output, beyond its 24 KB: the completion event has its address as `outputUrl`, or `outputDeliveryError`. Default: nowhere.',
    ),
  terminationMode: TerminationMode.optional().describe(
    'Alibaba: what a stop or a time-out ends: only the script (Process), or also the processes that it started (ProcessTree). Default: ALIBABA_TERMINATION_MODE.',
  ),
  tags: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Tags for the invocation at the provider, to find it by: key and value, at most 15 (Alibaba; Tencent for `schedules` only, at most 7). Names that begin with fleet-reflex are reserved. Default: only the reserved ones.',
    ),
} as const;

const WAVE_SIZES_EXPECTED = 'expected a number of instances like 1, a share like 10%, or a list of such';

const WaveSizeSpec = z.union([z.int().min(1).max(10_000), z.string().regex(/^([1-9][0-9]?|100)%$/)], {
  error: WAVE_SIZES_EXPECTED,
});

export const WavesSpec = z
  .strictObject({
    sizes: z
      .union([WaveSizeSpec, z.array(WaveSizeSpec).min(1).max(100)], { error: WAVE_SIZES_EXPECTED })
      .describe(
        'How many instances the waves have: numbers, or percent of all instances of the run (rounded up, at least 1). The last size repeats until all are done; one number is the size of every wave.',
      ),
    pause: durationBetween(0, DAY)
      .prefault('0s')
      .describe('Between the end of a wave and the next one. Default: 0s.'),
    stopAfterFailures: z
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe(
        'With so many tasks that did not succeed (exit code, time-out, never started), in all waves so far, nothing more is started: `wave.stopped`. Default: 1.',
      ),
    onStop: z
      .enum(['cancel', 'finish'])
      .default('finish')
      .describe(
        'What is done then about tasks that still run: cancel them, or let them finish. Default: finish.',
      ),
  })
  .describe(
    'Run on one part of the instances after the other, in their order. A wave begins when every task of the one before has ended. `deadline` applies to each wave. Default: all at once.',
  );
export type WavesSpec = z.infer<typeof WavesSpec>;

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

const Cooldown = durationBetween(SECOND, 30 * DAY);
const MostInFlight = z.int().min(1).max(1000);

export const GuardsSpec = z
  .strictObject({
    freeze: OnFreeze.optional().describe(
      'While runs are frozen (the kill switch, `freezes`, outside of `only`): `wait` up to `deadline`, or `reject`, also the rest of a run that has begun. Default: a run that comes in is rejected, one that was let in waits.',
    ),
    dedupe: z
      .strictObject({
        key: Cel.describe('CEL: events with the same key report the same fact, like event.data.fingerprint.'),
        window: durationBetween(SECOND, 30 * DAY).describe('How long a key starts no second run.'),
      })
      .optional()
      .describe(
        'One run for each key and window. Default: only a repeated delivery of the same event is dropped.',
      ),
    times: z
      .strictObject({
        key: Cel.describe('CEL: events with the same key are counted together, like event.data.fingerprint.'),
        count: z.int().min(2).max(1000).describe('The rule runs at the event of this number.'),
        within: durationBetween(SECOND, 30 * DAY).describe('How long an event counts.'),
      })
      .optional()
      .describe(
        'A run only at the n-th event of a key within a time; the events before it are rejected as `guard.times`. The one that runs uses them up: the next are counted anew. Default: each event runs.',
      ),
    cooldown: z
      .union(
        [
          Cooldown.transform((ms) => ({ for: ms, keep: 'first' as const })),
          z.strictObject({
            for: Cooldown.describe('No new run for this long after one began.'),
            keep: z
              .enum(['first', 'last'])
              .default('first')
              .describe(
                'What comes meanwhile is rejected (first), or the latest of it waits and runs at the end of that time (last). Default: first.',
              ),
          }),
        ],
        {
          error:
            'expected a duration from 1s to 30d, like 90s, 10m or 1h30m, or { for: 15m, keep: first | last }',
        },
      )
      .optional()
      .describe(
        'No new run (of the same key, if there is one) for this long after one began: a duration, or `{ for: 15m, keep: first | last }`. What comes meanwhile is rejected (first, the default), or the latest of it waits and runs at the end of that time (last). Default: none.',
      ),
    maxInFlight: z
      .union(
        [
          MostInFlight.transform((runs) => ({ runs, whenFull: 'queue' as const })),
          z.strictObject({
            runs: MostInFlight.describe('So many runs of the rule at the same time.'),
            whenFull: z
              .enum(['queue', 'skip', 'replace'])
              .default('queue')
              .describe(
                'What becomes of one more: it waits up to `deadline` (queue), is rejected (skip), or the oldest run is cancelled for it (replace). Default: queue.',
              ),
          }),
        ],
        { error: 'expected a number from 1 to 1000, or { runs: 1, whenFull: queue | skip | replace }' },
      )
      .optional()
      .describe(
        'Runs of the rule at the same time: a number, or `{ runs: 1, whenFull: queue | skip | replace }`. More of them wait, up to `deadline` (queue, the default), are rejected (skip), or the oldest run is cancelled for them (replace). Default: no limit.',
      ),
    lock: z
      .boolean()
      .default(false)
      .describe(
        'Whether an instance has one run at a time, of all rules that say so: a run that finds one of its instances taken waits, up to `deadline`, and holds none of them meanwhile. Default: false.',
      ),
    maxInstances: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe(
        'A run on more instances than this is rejected. Default: 50 if the event gives any of the instances; no limit if the file lists them.',
      ),
    maxPerHour: z
      .strictObject({
        runs: z
          .int()
          .min(1)
          .max(5000)
          .default(100)
          .describe('Runs of the rule that begin within any 60 minutes. Default: 100.'),
        instances: z
          .int()
          .min(1)
          .max(1_000_000)
          .optional()
          .describe(
            'Instances of those runs; an instance with two runs counts twice. Default: 500 if the event gives any of the instances; no limit if the file lists them.',
          ),
      })
      .prefault({})
      .describe(
        'A run above the limit is rejected as `guard.max-per-hour`. The default also applies to a rule without `guards`.',
      ),
    maxShare: z
      .string()
      .regex(/^(100|[1-9][0-9]?)%$/, 'expected a percentage from 1% to 100%, like 30%')
      .optional()
      .describe(
        'Runs of this rule and others are on at most so much of the `fleet` when this run is sent, but one instance in any case; more wait, up to `deadline`. A run on more is rejected as `guard.max-share`. Only runs of rules that have a `maxShare` are counted. Default: no limit.',
      ),
    breaker: z
      .strictObject({
        failures: z
          .int()
          .min(1)
          .max(50)
          .describe('It opens after so many runs of the rule in a row that did not succeed.'),
        reset: durationBetween(SECOND, 7 * DAY).describe(
          'How long it is open; then one run is let through: its success closes the breaker, its failure opens it again.',
        ),
      })
      .optional()
      .describe(
        'While it is open, runs are rejected as `guard.breaker`. A run that somebody stopped, or that was never sent, does not count. Default: none.',
      ),
  })
  .describe(
    'Conditions that stop a run although its rule matched: checked when it is sent, in this order; for `schedule` also when it is scheduled.',
  );
export type GuardsSpec = z.infer<typeof GuardsSpec>;

/** Some platforms have numeric ids; an id that is too long for a YAML number needs quotes. */
const AllowList = z
  .array(
    z.union([z.string().min(1), z.int().min(0).transform(String)], {
      error: 'expected an id, as a text in quotes',
    }),
  )
  .default([]);

export const AllowSpec = z
  .strictObject({
    users: AllowList.describe(
      'Ids of people (docs/sources.md lists them for each source); `name:ann` for a name, which its owner can change; `*` is everybody. Default: none.',
    ),
    groups: AllowList.describe('Ids of groups whose members may use it. Default: none.'),
    channels: AllowList.describe(
      'Ids of the channels where it may be used, or `name:ops`; `*` is any. Default: any.',
    ),
  })
  .superRefine((allow, context) => {
    if (allow.users.length + allow.groups.length > 0) return;
    context.addIssue({
      code: 'custom',
      message: "expected users or groups, at least one; users: ['*'] is everybody",
    });
  })
  .describe('Who may use a rule on a chat source. Required for a rule that has only chat sources.');
export type AllowSpec = z.infer<typeof AllowSpec>;

const Names = z.array(z.string());
const Notify = z
  .union(
    [
      Names,
      z.strictObject({
        all: Names.optional().describe('Every event.'),
        succeeded: Names.optional().describe('Only the end of a run that succeeded.'),
        failed: Names.optional().describe(
          'Only the end of a run that did not succeed: also rejected, expired, stopped, unknown.',
        ),
      }),
    ],
    { error: 'expected names of destinations, or `all`, `succeeded` and `failed` with names' },
  )
  .default(['completions'])
  .describe(
    'The destinations of its completion events: a list, or a list by outcome, such as `{ failed: [pager] }`. Default: the queue `completions`.',
  );
export type NotifySpec = z.infer<typeof Notify>;

export const RuleSpec = z
  .strictObject({
    name: nameOf('rule').describe(
      'Unique. Part of the run id: a new name is a new rule, and may run an old event again.',
    ),
    on: z
      .union([z.string(), z.array(z.string()).min(1)], {
        error: 'expected the name of a source, or a list of names',
      })
      .describe('The source or sources of its events (docs/sources.md).'),
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
    guards: GuardsSpec.optional(),
    ...RuleWindowSpecs,
    notify: Notify,
    outputs: Outputs.default('caller').describe(
      'Who sees the output in a chat: `caller`, only the person who asked (in a chat that cannot answer one person, the output is left out); `channel`, everybody in the channel; `none`, nobody. The result is always shown, and completion events and `GET /runs` contain the output. Default: caller.',
    ),
  })
  .superRefine(exactlyOne(ACTIONS))
  .meta(oneOf(ACTIONS))
  .describe('An action for the events of a source that match an expression.');
export type RuleSpec = z.infer<typeof RuleSpec>;

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
  })
  .superRefine(exactlyOne(TIMINGS))
  .superRefine(placed)
  .meta(allOf(oneOf(TIMINGS), onePlace()))
  .describe('A schedule that is synchronised with the provider: created, changed, removed. No templates.');
export type StandingScheduleSpec = z.infer<typeof StandingScheduleSpec>;

export const DestinationSpec = z
  .strictObject({
    sqs: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/, 'expected the name of an SQS queue')
      .describe('The name of an SQS queue in the account and region of the functions.'),
  })
  .describe('Where completion events go.');
export type DestinationSpec = z.infer<typeof DestinationSpec>;

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

function exactlyOne(names: readonly string[]) {
  return (given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void => {
    const found = names.filter((name) => given[name] !== undefined);
    if (found.length === 1) return;
    const came = found.length === 0 ? 'none' : found.join(' and ');
    context.addIssue({
      code: 'custom',
      message: `expected exactly one of ${names.join(', ')}, came ${came}`,
      path: found.slice(1, 2),
    });
  };
}

/** The target is a fleet, or a provider with its region and instances. */
function placed(given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void {
  exactlyOne(PLACES)(given, context);
  const { fleet, provider, region, instances } = given;
  if (fleet !== undefined && region !== undefined) {
    context.addIssue({
      code: 'custom',
      message: 'a fleet has its own region, in `fleets`; omit it here',
      path: ['region'],
    });
  }
  if (provider !== undefined && fleet === undefined && instances === undefined) {
    context.addIssue({
      code: 'custom',
      message: `is missing: ${INSTANCES_EXPECTED}; it is optional only with a \`fleet\``,
      path: ['instances'],
    });
  }
}

/** The same for editors: JSON Schema does not see refinements. */
function oneOf(names: readonly string[]) {
  return { oneOf: names.map((name) => ({ required: [name] })) };
}

function onePlace() {
  return {
    oneOf: [
      { required: ['fleet'], not: { anyOf: [{ required: ['provider'] }, { required: ['region'] }] } },
      { required: ['provider', 'instances'] },
    ],
  };
}

function allOf(...parts: readonly { oneOf: readonly object[] }[]) {
  return { allOf: parts };
}
