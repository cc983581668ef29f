/** The tenant of a chat user: the workspace, guild, organisation or company that they write from. */
import type { ChatData } from '../../model/trigger-event.ts';

type Given = string | null | undefined;

/**
 * @param person the person's tenants according to the vendor, the most reliable first
 * @param home the app's own tenants; empty if the vendor does not report them
 * @returns `tenant`, the person's; `isExternal` if it is none of the app's own
 */
export function tenancy(
  person: readonly Given[],
  home: readonly Given[] = [],
): Pick<ChatData, 'tenant' | 'isExternal'> {
  const homes = home.filter(isNamed);
  const named = person.filter(isNamed);
  const foreign = homes.length === 0 ? undefined : named.find((tenant) => !homes.includes(tenant));
  const tenant = foreign ?? named[0];
  return {
    ...(tenant !== undefined && { tenant }),
    ...(foreign !== undefined && { isExternal: true }),
  };
}

function isNamed(tenant: Given): tenant is string {
  return typeof tenant === 'string' && tenant !== '';
}
