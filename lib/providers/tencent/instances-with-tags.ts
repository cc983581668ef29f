/** Which CVM instances have some tags: CVM's DescribeInstances, all pages, and again where they changed meanwhile. */
import { answerOf } from '../call-outcome.ts';
import { allPages, pagesByOffset } from '../pages.ts';
import { LISTING, listingError, membersOf } from '../tagged-rows.ts';
import type { VendorClient } from '../vendor-client.ts';
import { type DescribeInstancesAnswer, describeInstances, MAX_ROWS } from './actions/instances.ts';
import { tencent } from './facts.ts';

/** In the making, or on its way out. */
const WITHOUT: ReadonlySet<string> = new Set(['PENDING', 'LAUNCH_FAILED', 'SHUTDOWN', 'TERMINATING']);
/** A fleet of which an instance came or went while it was read is read again, so often. */
const READS = 3;

/** @throws FleetReflexError `provider.*` */
export async function instancesWithTags(
  cvm: VendorClient,
  region: string,
  tags: Readonly<Record<string, string>>,
): Promise<string[]> {
  const Filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  let came = '';
  for (let reads = 0; reads < READS; reads += 1) {
    const pages = answerOf(
      await allPages(
        pagesByOffset(
          (offset) => cvm.call(describeInstances, region, { Filters, Limit: MAX_ROWS, Offset: offset }),
          ({ InstanceSet }) => InstanceSet,
        ),
      ),
      tencent.name,
      LISTING,
    );
    const rows = wholeOf(pages);
    if (rows !== undefined) return membersOf(rows.map(rowOf), tags, WITHOUT, tencent.name);
    const counts = [...new Set(pages.map(({ TotalCount }) => TotalCount))].join(', then ');
    came = `${idsOf(pages).size} instances came of ${counts}`;
  }
  throw listingError(`it did not list the whole fleet in ${READS} times: ${came}`, tencent.name);
}

/**
 * The rows, if they are all there are. Pages are places in a list: while an instance goes, another moves to the page
 * before and is on none that is read. Then the counts of the pages differ, or fewer instances came than they count.
 */
function wholeOf(
  pages: readonly DescribeInstancesAnswer[],
): DescribeInstancesAnswer['InstanceSet'] | undefined {
  const [first] = pages;
  const isSteady = pages.every(({ TotalCount }) => TotalCount === first?.TotalCount);
  return isSteady && idsOf(pages).size === first?.TotalCount
    ? pages.flatMap(({ InstanceSet }) => InstanceSet)
    : undefined;
}

function idsOf(pages: readonly DescribeInstancesAnswer[]): Set<string> {
  return new Set(pages.flatMap(({ InstanceSet }) => InstanceSet.map(({ InstanceId }) => InstanceId)));
}

function rowOf({ InstanceId, InstanceState, Tags = [] }: DescribeInstancesAnswer['InstanceSet'][number]) {
  const tags = Tags.map(({ Key, Value }) => ({ key: Key, value: Value }));
  return { instanceId: InstanceId, state: InstanceState, tags };
}
