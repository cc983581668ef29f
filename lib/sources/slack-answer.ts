/** What Slack shows the person who typed: each matched rule and its run, or why nothing will happen. */
import type { DoorOutcome, SourceAnswer } from './source.ts';

/** More unmatched rules than this are counted, not listed. */
const MAX_UNMATCHED = 5;

export function answerInSlack(outcomes: readonly DoorOutcome[]): SourceAnswer {
  const text = outcomes.flatMap(linesOf).join('\n');
  return { status: 200, body: { response_type: 'ephemeral', text: text === '' ? 'Nothing to do.' : text } };
}

function linesOf({ matched, unmatched }: DoorOutcome): string[] {
  if (matched.length > 0) {
    return matched.map(({ rule, runId, rejected }) =>
      rejected === undefined
        ? `Rule \`${escapeText(rule)}\` started run \`${runId}\`.`
        : `Rule \`${escapeText(rule)}\` was refused (run \`${runId}\`): ${escapeText(rejected)}`,
    );
  }
  if (unmatched.length === 0) return ['Nothing started: no rule is on this source.'];
  const listed = unmatched
    .slice(0, MAX_UNMATCHED)
    .map(({ rule, because }) => `• \`${escapeText(rule)}\`: ${escapeText(because)}`);
  const more = unmatched.length - listed.length;
  return ['Nothing started: no rule matched.', ...listed, ...(more > 0 ? [`… and ${more} more.`] : [])];
}

/** So that a reason that quotes an event can neither mention everybody nor link. */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
