/** Which ECS instances have some tags: DescribeInstances, all pages. */
import { answerOf, toError } from '../call-outcome.ts';
import { allPages, pagesOf } from '../pages.ts';
import { LISTING, listingError, membersOf } from '../tagged-rows.ts';
import type { DescribeInstancesAnswer } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import { alibaba } from './facts.ts';
import { MAX_INSTANCE_ROWS } from './requests.ts';

type Row = NonNullable<DescribeInstancesAnswer['Instances']>['Instance'][number];

/** In the making: what is released is not listed. */
const WITHOUT: ReadonlySet<string> = new Set(['Pending']);
/** The vendor finds no more than so many by tags, and does not say whether there are more. */
const MOST = 1000;
/** The vendor's word for: it would have been done. */
const WOULD_BE_DONE = 'DryRunOperation';

/** @throws FleetReflexError `provider.*` */
export async function instancesWithTags(
  client: CloudAssistantClient,
  region: string,
  tags: Readonly<Record<string, string>>,
): Promise<string[]> {
  const Tag = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const asked = { RegionId: region, Tag, MaxResults: MAX_INSTANCE_ROWS };
  const pages = answerOf(
    await allPages(
      pagesOf<DescribeInstancesAnswer, string>(
        (NextToken) => client.describeInstances({ ...asked, ...(NextToken !== undefined && { NextToken }) }),
        ({ NextToken }) => NextToken,
      ),
    ),
    alibaba.name,
    LISTING,
  );
  const rows = pages.flatMap(({ Instances }) => Instances?.Instance ?? []);
  if (pages.at(-1)?.NextToken) throw listingError('its pages go round in a circle', alibaba.name);
  if (rows.length === 0) await sureOfNone(client, asked, pages);
  if (new Set(rows.map(({ InstanceId }) => InstanceId)).size >= MOST) {
    const what = `it listed ${rows.length} instances with the tags, and lists ${MOST} at most: whether that is all is not known; use narrower tags`;
    throw listingError(what, alibaba.name);
  }
  return membersOf(rows.map(rowOf), tags, WITHOUT, alibaba.name);
}

/** To a RAM user who may not list instances the vendor says that there are none: only a dry run says why. */
async function sureOfNone(
  client: CloudAssistantClient,
  asked: Parameters<CloudAssistantClient['describeInstances']>[0],
  pages: readonly DescribeInstancesAnswer[],
): Promise<void> {
  const count = Math.max(0, ...pages.map(({ TotalCount }) => TotalCount ?? 0));
  if (count > 0) throw listingError(`it counted ${count} instances and listed none`, alibaba.name);
  const tried = await client.describeInstances({ ...asked, DryRun: true });
  if (tried.kind === 'answered' || tried.failure.code === WOULD_BE_DONE) return;
  throw toError(tried, alibaba.name, `${LISTING}, of which there were none`);
}

function rowOf({ InstanceId, Status, Tags }: Row) {
  const tags = (Tags?.Tag ?? []).map(({ TagKey, TagValue }) => ({ key: TagKey, value: TagValue }));
  return { instanceId: InstanceId, state: Status, tags };
}
