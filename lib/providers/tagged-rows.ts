/** What a cloud lists when it is asked for instances by their tags, checked again before commands run there. */
import type { ProviderName } from '../model/provider-name.ts';
import { type CallFailed, ownFailed, toError } from './call-outcome.ts';

export interface TaggedRow {
  instanceId: string;
  /** The vendor's word. */
  state: string;
  tags: readonly { key: string; value: string }[];
}

/** Said of a listing that cannot be believed. */
const ADVICE =
  'Nothing to do if it passes: the cloud is asked again. If it stays so, check that the endpoint is the cloud.';

/**
 * The instances among the rows that have all of the tags, each once, and are in none of these states. Never trust a
 * filter with what decides where commands run: each row carries its tags.
 * @throws FleetReflexError `provider.maybeDone` (retry): it listed instances, and none of them has the tags
 */
export function membersOf(
  rows: readonly TaggedRow[],
  tags: Readonly<Record<string, string>>,
  without: ReadonlySet<string>,
  provider: ProviderName,
): string[] {
  const wanted = Object.entries(tags);
  const members = rows.filter((row) =>
    wanted.every(([key, value]) => row.tags.some((tag) => tag.key === key && tag.value === value)),
  );
  if (rows.length > 0 && members.length === 0) {
    throw listingError(`it listed ${rows.length} instances, and none of them has the tags`, provider);
  }
  const alive = members.filter(({ state }) => !without.has(state));
  return [...new Set(alive.map(({ instanceId }) => instanceId))];
}

/** For a listing that is not whole, or not the one that was asked for. */
export function listingError(what: string, provider: ProviderName) {
  return toError(unbelievable(what), provider, LISTING);
}

export function unbelievable(what: string): CallFailed {
  return ownFailed('InvalidAnswer', `${what}.`, ADVICE, 'unknown');
}

/** What was being done, for messages. */
export const LISTING = 'listing instances by their tags';
