/** What packaged rules begin with: what holds for all of them, which is read without reading any. */
import { FleetReflexError } from '../errors.ts';
import type { Fleet } from './fleet.ts';
import type { RuleSet, RuleSource } from './rule.ts';

/** Another than a function's own is refused: both are packaged together. */
export const PACKED_VERSION = 1;

/** The first line. */
export interface PackedHead
  extends Pick<RuleSet, 'fileName' | 'limits' | 'windows' | 'destinations' | 'schedules' | 'sources'> {
  version: number;
  /** Of the rules file as it was written. */
  digest: string;
  tenants: [string, readonly string[]][];
  fleets: (Omit<Fleet, 'instances'> & { instances: string[] })[];
  /** What the sources of rules make. */
  kinds: [string, RuleSource['kinds']][];
}

/**
 * @param text packaged rules, or their first line
 * @throws FleetReflexError `rules.unreadable`: they are not of this version
 */
export function openHead(text: string): PackedHead {
  const end = text.indexOf('\n');
  const head = headOrNothing(end < 0 ? text : text.slice(0, end));
  if (head?.version === PACKED_VERSION) return head;
  throw new FleetReflexError(
    'rules.unreadable',
    `The packaged rules are not of version ${PACKED_VERSION}: expected what \`npx serverless package\` makes of rules.yml. Package and deploy again.`,
  );
}

function headOrNothing(line: string): PackedHead | undefined {
  try {
    const head: PackedHead | undefined = JSON.parse(line);
    return head;
  } catch {
    return undefined;
  }
}
