/** `guards`: conditions that stop a run although its rule matched. */
import * as z from 'zod';
import { OnFreeze } from '../../model/window.ts';
import { durationBetween } from '../duration.ts';
import { Cel, DAY, SECOND } from './words.ts';

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
      .default(true)
      .describe(
        'An instance has one run at a time, whatever rules they are of: a run that finds one of its instances taken waits, up to `deadline`, and holds none of them meanwhile. An instance is free when the task on it has ended. `false`: the runs of this rule neither wait for others nor keep others waiting. Default: true.',
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
