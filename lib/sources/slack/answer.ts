/** The answer to a Slack command: a message that only the caller sees. */
import type { DoorOutcome } from '../../model/decision.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { slackMarkup } from '../shared/chat-markup.ts';
import type { SourceAnswer } from '../source.ts';

/** Slack cuts a message's text at 40,000 characters; ours is shorter, to be readable. */
const MAX_TEXT = 4000;

export function answerInSlack(outcomes: readonly DoorOutcome[]): SourceAnswer {
  const text = cutText(answerText(outcomes, slackMarkup, 'caller'), MAX_TEXT);
  return { status: 200, body: { response_type: 'ephemeral', text } };
}
