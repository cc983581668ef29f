/** `approval`: a second person has to say yes before anything is sent. */
import * as z from 'zod';
import { durationBetween } from '../duration.ts';
import { IdList } from './allow.ts';
import { DAY, MINUTE } from './words.ts';

export const ApprovalSpec = z
  .strictObject({
    users: IdList.describe(
      'Ids of people who may approve in a chat, as in `allow`. Whoever asked for the run may not. Default: none; then only tokens of the API with the scope `approve` may.',
    ),
    channels: IdList.describe(
      'Ids of the channels where they may, and where it is asked if fleet-reflex can post there. Default: any.',
    ),
    chats: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'The sources whose ids these are, like [slack]. Default: the chats of `on`; for a rule that is on none, any chat.',
      ),
    expires: durationBetween(MINUTE, 7 * DAY)
      .prefault('30m')
      .describe(
        'How long it waits, 1m to 7d; then it ends as approval.expired. `deadline` counts from the approval. Default: 30m.',
      ),
  })
  .describe(
    'Nothing is sent before a second person has approved the run: its rule, target, parameters and the text of the stored command. A change of any of these voids the approval. Default: none.',
  );
export type ApprovalSpec = z.infer<typeof ApprovalSpec>;
