/** The command and where it runs. */
import * as z from 'zod';
import { TerminationMode } from '../../model/invocation-options.ts';
import { nameOf } from '../name-of.ts';
import { exactlyOne } from './one-of.ts';
import { CLOUD_NAMES, ProviderName, Template } from './words.ts';

const PARAMETER_FORM = /^[a-zA-Z0-9_-]{1,64}$/;
const PLACES = ['fleet', 'provider'];

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

export const Unsafe = z
  .array(z.string())
  .default([])
  .describe(
    'The fields that an event may choose although this is unsafe: `instances` without a fleet, `command`, `region`, `username`, `workingDirectory`; or `patterns.<name>` (`patterns` for all) for a pattern that would be refused. Default: none.',
  );

const INSTANCES_EXPECTED =
  'expected an instance id, a template that gives one or a list of them, or a list of such';

const FLEET_EXPECTED =
  'expected the name of a fleet, or { from: a template that gives such a name, of: [the allowed names] }';
const FleetName = z.union(
  [
    nameOf('fleet'),
    z.strictObject({
      from: Template.describe('A template that gives the name of a fleet.'),
      of: z
        .array(nameOf('fleet'))
        .min(1)
        .max(100)
        .describe('The fleets that it may name, all of one cloud. Another name rejects the run.'),
    }),
  ],
  { error: FLEET_EXPECTED },
);
export type FleetName = z.infer<typeof FleetName>;

export const Target = {
  fleet: FleetName.optional().describe(
    'The fleet of `fleets` to run on, in place of provider and region. An instance outside it rejects the run. `{ from: …, of: [web, db] }`: the event chooses one of these by its name.',
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
export const Options = {
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

/** The target is a fleet, or a provider with its region and instances. */
export function placed(given: Readonly<Record<string, unknown>>, context: z.core.$RefinementCtx): void {
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

export function onePlace() {
  return {
    oneOf: [
      { required: ['fleet'], not: { anyOf: [{ required: ['provider'] }, { required: ['region'] }] } },
      { required: ['provider', 'instances'] },
    ],
  };
}
