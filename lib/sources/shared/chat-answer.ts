/**
 * The answer to a chat command, the same in every chat: each matched rule and its run, why nothing will happen, or the
 * answer of a built-in verb. A source converts the text into its own format.
 */
import type { DoorOutcome } from '../../model/decision.ts';
import { type Markup, mark, oneLine } from './chat-markup.ts';

/** More unmatched rules than this are counted, not listed. */
const MAX_UNMATCHED = 5;
/** The part of an id that is enough to find its event. */
const MAX_ID = 80;

/**
 * Who reads an answer: only the caller, or the whole channel. A rule's clause contains constants of the rule, so it is
 * shown only to people who may use the rule.
 */
export type Reader = 'caller' | 'channel';

/** As the chat reads it. */
export function answerText(outcomes: readonly DoorOutcome[], markup: Markup, reader: Reader): string {
  return answerLines(outcomes, reader)
    .map((line) => mark(line, markup))
    .join('\n');
}

/** Plain lines, names between backticks. */
export function answerLines(outcomes: readonly DoorOutcome[], reader: Reader): string[] {
  const lines = outcomes.flatMap((outcome) => linesOf(outcome, reader));
  return lines.length === 0 ? ['Nothing to do.'] : lines;
}

function linesOf({ event, matched, unmatched, text }: DoorOutcome, reader: Reader): string[] {
  if (text !== undefined) return text.split('\n').map(oneLine);
  if (matched.length > 0) {
    return matched.map(({ rule, runId, rejected }) =>
      rejected === undefined
        ? `Rule \`${rule}\` started run \`${runId}\`.`
        : `Rule \`${rule}\` was refused (run \`${runId}\`): ${oneLine(rejected)}`,
    );
  }
  if (unmatched.length === 0) return ['Nothing started: no rule is on this source.'];
  if (reader === 'channel') {
    const id = cutText(oneLine(event.id), MAX_ID);
    return ['Nothing started: no rule matched.', `\`fleet-reflex why\` says why of the event ${id}`];
  }
  const told = unmatched.filter(({ isRefused }) => isRefused !== true);
  const listed = told
    .slice(0, MAX_UNMATCHED)
    .map(({ rule, because }) => `• \`${rule}\`: ${oneLine(because)}`);
  const more = told.length - listed.length;
  return ['Nothing started: no rule matched.', ...listed, ...(more > 0 ? [`… and ${more} more.`] : [])];
}

/** At most so many characters, and a sign that something is missing. */
export function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
