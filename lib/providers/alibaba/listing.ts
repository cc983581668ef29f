/** What was invoked in a region, for sweeps: those that we sent carry their token as a tag. */
import { answerOf } from '../call-outcome.ts';
import { isPast } from '../newest-first.ts';
import type { InvocationPage } from '../provider.ts';
import type { CloudAssistantClient } from './client.ts';
import { MAX_RESULTS } from './requests.ts';
import { RUN_TAG } from './tags.ts';

export async function listInvocations(
  client: Pick<CloudAssistantClient, 'describeInvocations'>,
  region: string,
  { since, cursor }: { since: Date; cursor?: string | undefined },
): Promise<InvocationPage> {
  // Not by the tag: the vendor filters by a key and its value, and by no more than 1,000 resources.
  const asked = await client.describeInvocations({
    RegionId: region,
    MaxResults: MAX_RESULTS,
    ...(cursor !== undefined && { NextToken: cursor }),
  });
  const { Invocations, NextToken } = answerOf(asked, 'alibaba', 'listing the invocations');
  const records = Invocations?.Invocation ?? [];
  const next = isPast(
    records.map(({ CreationTime }) => CreationTime ?? undefined),
    since,
  )
    ? undefined
    : NextToken;
  return {
    invocations: records.flatMap(({ InvokeId, CommandId, CreationTime, Tags }) => {
      if (Date.parse(CreationTime ?? '') < since.getTime()) return [];
      const token = Tags?.Tag.find(({ TagKey }) => TagKey === RUN_TAG)?.TagValue;
      return [
        {
          invocationId: InvokeId,
          command: CommandId ?? '',
          ...(typeof CreationTime === 'string' && { createdAt: CreationTime }),
          ...(token !== undefined && { token }),
        },
      ];
    }),
    ...(typeof next === 'string' && next !== '' && { cursor: next }),
  };
}
