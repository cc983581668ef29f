/** What was invoked in a region, for sweeps. TAT takes no mark: whose an invocation is, its record does not say. */
import { answerOf } from '../call-outcome.ts';
import { isPast } from '../newest-first.ts';
import type { InvocationPage } from '../provider.ts';
import type { VendorClient } from '../vendor-client.ts';
import { describeInvocations } from './actions/invocations.ts';

const PAGE = 100;

/** New rows come first: a page may repeat rows of the one before, and skips none. */
export async function listInvocations(
  client: VendorClient,
  region: string,
  { since, cursor }: { since: Date; cursor?: string | undefined },
): Promise<InvocationPage> {
  const Offset = Number(cursor ?? 0);
  const asked = await client.call(describeInvocations, region, { Limit: PAGE, Offset }, { caller: 'list' });
  const { InvocationSet: rows, TotalCount } = answerOf(asked, 'tencent', 'listing the invocations');
  const next = Offset + rows.length;
  const isLast =
    rows.length === 0 ||
    next >= TotalCount ||
    isPast(
      rows.map((row) => row.CreatedTime),
      since,
    );
  return {
    invocations: rows.flatMap(({ InvocationId, CommandId, CreatedTime, InvocationSource }) => {
      // The vendor spells it in upper and in lower case.
      if (InvocationSource?.toUpperCase() === 'INVOKER' || Date.parse(CreatedTime) < since.getTime())
        return [];
      return [{ invocationId: InvocationId, command: CommandId, createdAt: CreatedTime }];
    }),
    ...(!isLast && { cursor: String(next) }),
  };
}
