/** Which tenants' people may use rules: `sources.<name>.tenants`, or where it is not set, the app's own as far as its vendor tells. */
import { nameFor } from '../model/actor.ts';
import type { ChatData } from '../model/trigger-event.ts';
import type { Refusal } from './allow.ts';

/** Why a person's tenant is none of those that may; undefined when it is. `allow` is asked after this. */
export function whyOutside(
  tenants: readonly string[] | undefined,
  source: string,
  { tenant, isExternal, user }: Pick<ChatData, 'tenant' | 'isExternal' | 'user'>,
): Refusal | undefined {
  const setting = `\`sources.${source}.tenants\``;
  if (tenants === undefined) {
    if (isExternal !== true) return undefined;
    const because = `${nameFor(user)} is external to the app’s own tenant (${tenant ?? 'of another, or of none'}); ${setting} would have to list that`;
    return { code: 'tenant.external', because };
  }
  if (tenant === undefined) {
    const because = `${nameFor(user)} is of no known tenant, and ${setting} lists who may`;
    return { code: 'tenant.unknown', because };
  }
  if (tenants.includes(tenant)) return undefined;
  return { code: 'tenant.other', because: `the tenant ${tenant} is not among ${setting}` };
}
