/** `notify` and `destinations`: where completion events go. */
import * as z from 'zod';
import { DESTINATION_KINDS } from '../../model/destination-ref.ts';
import { exactlyOne, oneOf } from './one-of.ts';

const Names = z.array(z.string());
export const Notify = z
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

/** A web hook's request and the record of its delivery go on a queue with the event. */
const MAX_URL = 1024;
const LOOPBACK = /^(127\.0\.0\.1|\[::1\]|localhost)$/;

/** The host itself is checked when the connection is made, for a name may lead anywhere (lib/http/public-lookup.ts). */
function isHookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
  return isSafe && username === '' && password === '' && hash === '';
}

export const DestinationSpec = z
  .strictObject({
    sqs: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$/, 'expected the name of an SQS queue')
      .optional()
      .describe('The name of an SQS queue in the account and region of the functions.'),
    sns: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,256}$|^[A-Za-z0-9_-]{1,251}\.fifo$/, 'expected the name of an SNS topic')
      .optional()
      .describe('The name of an SNS topic in the account and region of the functions.'),
    eventbridge: z
      .string()
      .regex(/^[/.\-_A-Za-z0-9]{1,256}$/, 'expected the name of an EventBridge bus')
      .optional()
      .describe(
        'The name of an EventBridge bus in the account and region of the functions; `default` is there in every account.',
      ),
    webhook: z
      .string()
      .max(MAX_URL, `expected a URL of at most ${MAX_URL} characters`)
      .refine(isHookUrl, 'expected an https URL without user, password and fragment')
      .optional()
      .describe(
        'A public https URL. Requests are signed as Standard Webhooks say, with the secret that is stored for the destination’s name ([completion-events.md](completion-events.md#web-hooks)).',
      ),
    log: z
      .string()
      .regex(/^[.\-_/#A-Za-z0-9]{1,512}$/, 'expected the name of a CloudWatch log group')
      .optional()
      .describe('The name of a CloudWatch log group in the account and region of the functions.'),
  })
  .superRefine(exactlyOne(DESTINATION_KINDS))
  .meta(oneOf(DESTINATION_KINDS))
  .describe('Where completion events go: exactly one of these.');
export type DestinationSpec = z.infer<typeof DestinationSpec>;
