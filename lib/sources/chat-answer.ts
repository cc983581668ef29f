/**
 * What a chat shows the person who typed, in words that are the same in every chat: each matched rule and its run,
 * why nothing will happen, or what a built-in verb answers. A source puts the text into its own format.
 */
import type { DoorOutcome } from './source.ts';

/** More unmatched rules than this are counted, not listed. */
const MAX_UNMATCHED = 5;

/**
 * @param harmless makes what others wrote harmless in this chat: no mention of everybody, no link
 * @returns lines, names between backticks
 */
export function answerText(outcomes: readonly DoorOutcome[], harmless: (text: string) => string): string {
  const lines = outcomes.flatMap((outcome) => linesOf(outcome, harmless));
  return lines.length === 0 ? 'Nothing to do.' : lines.join('\n');
}

function linesOf({ matched, unmatched, text }: DoorOutcome, harmless: (text: string) => string): string[] {
  if (text !== undefined) return [harmless(text)];
  if (matched.length > 0) {
    return matched.map(({ rule, runId, rejected }) =>
      rejected === undefined
        ? `Rule \`${harmless(rule)}\` started run \`${runId}\`.`
        : `Rule \`${harmless(rule)}\` was refused (run \`${runId}\`): ${harmless(rejected)}`,
    );
  }
  if (unmatched.length === 0) return ['Nothing started: no rule is on this source.'];
  const listed = unmatched
    .slice(0, MAX_UNMATCHED)
    .map(({ rule, because }) => `• \`${harmless(rule)}\`: ${harmless(because)}`);
  const more = unmatched.length - listed.length;
  return ['Nothing started: no rule matched.', ...listed, ...(more > 0 ? [`… and ${more} more.`] : [])];
}

/** For chats that read Markdown or nothing: an `@` that mentions nobody. */
export function withoutMentions(text: string): string {
  return text.replaceAll('@', '@\u200b');
}

/** For chats without Markdown: names stand without their backticks. */
export function withoutMarks(text: string): string {
  return text.replaceAll('`', '');
}

/** At most so many characters, and a sign that something is missing. */
export function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
