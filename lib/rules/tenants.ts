/** Which tenants' people may use rules: `sources.<name>.tenants`, or where it is not set, the app's own as far as its vendor tells. */
import type { ChatData } from '../model/trigger-event.ts';
import { nameFor } from './allow.ts';

/** Why a person's tenant is none of those that may; undefined when it is. `allow` is asked after this. */
export function whyOutside(
  tenants: readonly string[] | undefined,
  source: string,
  { tenant, isExternal, user }: Pick<ChatData, 'tenant' | 'isExternal' | 'user'>,
): string | undefined {
  const setting = `\`sources.${source}.tenants\``;
  if (tenants === undefined) {
    return isExternal === true
      ? `${nameFor(user)} is external to the app’s own tenant (${tenant ?? 'of another, or of none'}); ${setting} would have to list that`
      : undefined;
  }
  if (tenant === undefined) return `${nameFor(user)} is of no known tenant, and ${setting} lists who may`;
  return tenants.includes(tenant) ? undefined : `the tenant ${tenant} is not among ${setting}`;
}
