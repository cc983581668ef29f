/** Stored commands: what there is, and what a command's text becomes with these parameters (TAT's only rehearsal). */
import * as z from 'zod';
import type { VendorAction } from '../../vendor.ts';
import {
  CommandId,
  Content,
  filters,
  idList,
  idsOrFilters,
  optional,
  Paging,
  ParametersJson,
} from './fields.ts';

/** Public commands are mixed in: filter `created-by` = `USER` for one's own. */
export const DescribeCommandsRequest = z
  .strictObject({
    CommandIds: idList(CommandId).optional(),
    Filters: filters(
      'command-id',
      'command-name',
      'command-type',
      'scene-id',
      'created-by',
      'tag-key',
      'tag-value',
      'tag:',
    ).optional(),
    ...Paging,
  })
  .refine(...idsOrFilters('CommandIds'));
export type DescribeCommandsRequest = z.input<typeof DescribeCommandsRequest>;

export const CommandRow = z.object({
  CommandId: z.string(),
  CommandName: z.string(),
  Description: optional(z.string()),
  /** Base64. */
  Content: z.string(),
  CommandType: z.string(),
  WorkingDirectory: optional(z.string()),
  Timeout: optional(z.int()),
  EnableParameter: optional(z.boolean()),
  DefaultParameters: optional(z.string()),
  Username: optional(z.string()),
  CreatedBy: optional(z.string()),
});
export type CommandRow = z.infer<typeof CommandRow>;
export const DescribeCommandsAnswer = z.object({ TotalCount: z.int(), CommandSet: z.array(CommandRow) });
export type DescribeCommandsAnswer = z.infer<typeof DescribeCommandsAnswer>;

export const describeCommands: VendorAction<DescribeCommandsRequest, DescribeCommandsAnswer> = {
  name: 'DescribeCommands',
  effect: 'read',
  request: DescribeCommandsRequest,
  answer: DescribeCommandsAnswer,
};

export const PreviewReplacedCommandContentRequest = z
  .strictObject({
    Parameters: ParametersJson.optional(),
    CommandId: CommandId.optional(),
    Content: Content.optional(),
  })
  .refine((request) => (request.CommandId === undefined) !== (request.Content === undefined), {
    error: 'exactly one of CommandId and Content has to be given',
  });
export type PreviewReplacedCommandContentRequest = z.input<typeof PreviewReplacedCommandContentRequest>;
/** `ReplacedContent` is base64. */
export const PreviewReplacedCommandContentAnswer = z.object({ ReplacedContent: z.string() });
export type PreviewReplacedCommandContentAnswer = z.infer<typeof PreviewReplacedCommandContentAnswer>;

export const previewReplacedCommandContent: VendorAction<
  PreviewReplacedCommandContentRequest,
  PreviewReplacedCommandContentAnswer
> = {
  name: 'PreviewReplacedCommandContent',
  effect: 'read',
  request: PreviewReplacedCommandContentRequest,
  answer: PreviewReplacedCommandContentAnswer,
};
