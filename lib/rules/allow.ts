/**
 * Who may use a rule: entries are the platform's ids, which cannot be changed. A name, which people can change, counts only
 * if the entry says so, `name:ann`.
 */
import { nameFor } from '../model/actor.ts';
import type { ChatData } from '../model/trigger-event.ts';
import type { Path, YamlFile } from './positions.ts';
import type { Problems } from './problems.ts';
import type { Allow } from './rule.ts';

const EVERYBODY = '*';
const BY_NAME = 'name:';

type Named = NonNullable<ChatData['channel']>;

/** Why a person may not use a rule. */
export interface Refusal {
  /** Stable, for programs: `allow.users`, `tenant.unknown`, … */
  code: string;
  because: string;
}

/** Why this person may not use the rule; undefined if they may. */
export function whyNotAllowed(
  allow: Allow | undefined,
  { user, channel }: Pick<ChatData, 'user' | 'channel'>,
): Refusal | undefined {
  if (allow === undefined) {
    return { code: 'allow.missing', because: 'closed to everybody: the rule has no `allow`' };
  }
  const isMember = user.groups?.some((group) => allow.groups.includes(group)) === true;
  if (!isMember && !isListed(allow.users, user)) {
    const because = `${nameFor(user)} is not among the rule’s \`allow\` users and groups`;
    return { code: 'allow.users', because };
  }
  if (allow.channels.length > 0 && !isListed(allow.channels, channel)) {
    const place = channel === undefined ? 'a message without a channel' : nameFor(channel);
    return { code: 'allow.channels', because: `${place} is not among the rule’s \`allow\` channels` };
  }
  return undefined;
}

/** An id that looks like an entry by name (`name:ann`) is compared with no entry by name. */
function isListed(entries: readonly string[], who: Named | undefined): boolean {
  return entries.some((entry) => {
    if (entry === EVERYBODY) return true;
    return entry.startsWith(BY_NAME)
      ? who?.name === entry.slice(BY_NAME.length)
      : who?.id !== undefined && who.id === entry;
  });
}

/** @param allow as the file has it @param path that of `allow` */
export function checkAllowEntries(
  allow: Allow,
  path: Path,
  { file, problems, warnings }: { file: YamlFile; problems: Problems; warnings: Problems },
): void {
  for (const [list, entries] of [
    ['users', allow.users],
    ['groups', allow.groups],
    ['channels', allow.channels],
  ] as const) {
    for (const [index, entry] of entries.entries()) {
      const at = [...path, list, index];
      const written = file.sourceOf(at);
      if (/^[0-9]+$/.test(entry) && written !== undefined && written !== entry) {
        problems.add(at, `is written ${written} and would be ${entry}; put it in quotes`);
      }
      if (entry === EVERYBODY && list === 'groups') {
        problems.add(at, "`*` is no group: write the ids of groups, or users: ['*'] for everybody");
      }
      if (!entry.startsWith(BY_NAME)) continue;
      const name = entry.slice(BY_NAME.length);
      if (name.trim() !== name || name === '') {
        problems.add(
          at,
          `expected a name directly behind \`${BY_NAME}\`, like ${BY_NAME}ann, came ${JSON.stringify(entry)}`,
        );
      } else if (list === 'groups') {
        warnings.add(at, `\`${entry}\` matches no group: chats send no names of groups. Write the id`);
      } else {
        warnings.add(
          at,
          `\`${entry}\` is whatever has that name, and who owns a name can change it or let another have it. Write the id`,
        );
      }
    }
  }
}
