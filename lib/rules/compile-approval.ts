/** Compiles `approval`, and refuses what nobody could ever approve. */
import type { ApprovalTerms } from '../model/approval.ts';
import { present } from '../present.ts';
import { checkAllowEntries } from './allow.ts';
import { unknownName } from './did-you-mean.ts';
import type { Path, YamlFile } from './positions.ts';
import type { Problems } from './problems.ts';
import type { RuleSource } from './rule.ts';
import type { RuleSpec } from './schema/rules-file.ts';

interface Context {
  readonly file: YamlFile;
  readonly problems: Problems;
  readonly warnings: Problems;
  readonly sources: ReadonlyMap<string, RuleSource>;
}

/** The valid fields of a rule, and the names of all that the file has. */
interface Given {
  readonly spec: Partial<RuleSpec>;
  readonly given: ReadonlySet<string>;
}

/** @param on the sources of the rule @param path that of the rule */
export function compileApproval(
  { spec, given }: Given,
  on: readonly string[],
  path: Path,
  context: Context,
): ApprovalTerms | undefined {
  const { problems, warnings } = context;
  const at = [...path, 'approval'];
  if (given.has('approval') && given.has('cancel')) {
    problems.add(at, 'approval stands beside `run` and `schedule` only: cancelling starts nothing');
  }
  const { approval } = spec;
  if (approval === undefined) return undefined;
  const { users, channels, expires: expiresMs } = approval;
  checkAllowEntries({ users, groups: [], channels }, at, context);
  const chats = chatsOf(approval.chats, on, at, context);
  if (users.length === 0 && (channels.length > 0 || approval.chats !== undefined)) {
    problems.add(
      at,
      'has channels or chats, and no `users`: list who may approve there, or leave both out, so that only tokens of the API may',
    );
  }
  if (users.includes('*') && channels.length === 0) {
    problems.add(
      [...at, 'users'],
      "`*` is everybody who reaches the app: name the channels too, like `channels: [C1234567890]`, or write people's ids",
    );
  }
  checkSecondPerson(spec, users, at, context);
  if (chats === undefined && users.length > 0) {
    const digits = users.find((user) => /^[0-9]+$/.test(user));
    const how = 'say whose ids they are, like `chats: [slack]`';
    if (digits !== undefined) {
      problems.add([...at, 'users'], `\`${digits}\` is another person in each chat: ${how}`);
    } else {
      warnings.add(
        at,
        `the rule is on no chat, so that these people may approve in any chat that is set up: ${how}`,
      );
    }
  }
  return present({ users, channels, chats, expiresMs });
}

function chatsOf(
  named: readonly string[] | undefined,
  on: readonly string[],
  at: Path,
  { sources, problems }: Context,
): string[] | undefined {
  const isChat = (name: string) => sources.get(name)?.kinds.includes('chat') === true;
  for (const [index, name] of (named ?? []).entries()) {
    if (isChat(name)) continue;
    const chats = [...sources.keys()].filter(isChat);
    problems.add(
      [...at, 'chats', index],
      sources.has(name)
        ? `${name} sends no commands of people; chats: ${chats.join(', ')}`
        : unknownName('source', name, chats),
    );
  }
  const chats = named ?? on.filter(isChat);
  return chats.length === 0 ? undefined : [...chats];
}

/** The one person who may approve is the only one who may ask. */
function checkSecondPerson(
  { allow }: Given['spec'],
  users: readonly string[],
  at: Path,
  { problems }: Context,
): void {
  const [only, ...others] = users;
  const isAlone = allow?.users.length === 1 && allow.groups.length === 0 && allow.users[0] === only;
  if (only === undefined || others.length > 0 || !isAlone) return;
  problems.add(
    [...at, 'users'],
    `\`${only}\` alone may use the rule, and who asks for a run may not approve it: name a second person`,
  );
}
