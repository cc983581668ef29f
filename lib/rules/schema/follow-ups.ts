/** `onFailure` and `onSuccess`: the rule that runs after a run has ended. */
import * as z from 'zod';
import { FollowedEnd } from '../../model/run-request.ts';

const Failure = FollowedEnd.exclude(['succeeded']);

const instances = z
  .enum(['touched', 'failed'])
  .optional()
  .describe(
    'Run it on instances of the run that ended, which must be in its fleet: `touched`, where the command ran or may have; `failed`, where it was sent and did not succeed. Default: the instances of the rule itself.',
  );

const run = z.string().describe('The name of a rule without `on`.');

export const FollowUpSpecs = {
  onFailure: z
    .strictObject({
      run,
      statuses: z
        .array(Failure)
        .min(1)
        .default(['failed', 'partly_failed', 'timed_out'])
        .describe(
          'How the run must have ended. A run that somebody cancelled counts as `stopped`. Default: failed, partly_failed, timed_out.',
        ),
      instances,
    })
    .optional()
    .describe(
      'The rule that runs, with the same event, when a run of this one was sent and has failed. A run of which nothing was sent has nothing that follows it.',
    ),
  onSuccess: z
    .strictObject({ run, instances })
    .optional()
    .describe('The rule that runs, with the same event, when a run of this one has succeeded.'),
} as const;
