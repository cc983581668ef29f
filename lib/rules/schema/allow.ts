/** `allow`: who may use a rule. */
import * as z from 'zod';

/** Some platforms have numeric ids; an id that is too long for a YAML number needs quotes. */
export const IdList = z
  .array(
    z.union([z.string().min(1), z.int().min(0).transform(String)], {
      error: 'expected an id, as a text in quotes',
    }),
  )
  .default([]);

export const AllowSpec = z
  .strictObject({
    users: IdList.describe(
      'Ids of people (docs/sources.md lists them for each source); `name:ann` for a name, which its owner can change; `*` is everybody. Default: none.',
    ),
    groups: IdList.describe('Ids of groups whose members may use it. Default: none.'),
    channels: IdList.describe(
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
