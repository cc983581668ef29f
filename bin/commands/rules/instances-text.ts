/** Instances as a person reads them in one line. A fleet may have thousands; the file has them all. */

const SHOWN = 5;

/** `ins-1, ins-2`; of more than five the first three and how many are left: `ins-1, ins-2, ins-3 and 447 more`. */
export function instancesText(instances: readonly string[]): string {
  if (instances.length <= SHOWN) return instances.join(', ');
  const first = instances.slice(0, SHOWN - 2);
  return `${first.join(', ')} and ${instances.length - first.length} more`;
}
