/** Whose people a chat's people are: the workspace, guild, organisation or company that they write from. */
import type { ChatData } from '../../model/trigger-event.ts';

type Given = string | null | undefined;

/**
 * @param person what the vendor names as the person's own, the surest first
 * @param home what the vendor names as the app's own; empty where it does not tell
 * @returns `tenant`, the person's; `isExternal` where that is none of the app's own
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
