/** Instances as a person reads them in one line. A fleet may have thousands; the file has them all. */
import { describeTags, type TaggedFleet } from '../../../lib/model/tagged-fleet.ts';

const SHOWN = 5;

/** `ins-1, ins-2`; of more than five the first three and how many are left: `ins-1, ins-2, ins-3 and 447 more`. */
export function instancesText(instances: readonly string[]): string {
  if (instances.length <= SHOWN) return instances.join(', ');
  const first = instances.slice(0, SHOWN - 2);
  return `${first.join(', ')} and ${instances.length - first.length} more`;
}

/** Where a request runs: its instances, or the fleet that the cloud is asked for. */
export function placeText(
  { instances }: { instances: readonly string[] },
  taggedFleet: TaggedFleet | undefined,
): string {
  if (taggedFleet === undefined) return instancesText(instances);
  const fleet = `the fleet ${taggedFleet.name} (${describeTags(taggedFleet.tags)})`;
  return instances.length === 0 ? fleet : `${instancesText(instances)} of ${fleet}`;
}
