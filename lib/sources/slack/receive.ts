/**
 * Slack: slash commands, buttons and mentions of the app as chat commands, answered in Slack's own words within its
 * three seconds.
 */
import { mediaType, type SourceRequest } from '../../http/request.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { AUTHENTIC, defineSource } from '../source.ts';
import { answerInSlack } from './answer.ts';
import { normaliseSlack, SlackPayload, SlackSettings } from './payload.ts';

export const slack = defineSource({
  name: 'slack',
  title: 'Slack',
  documentation: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  setup: `Create an app at api.slack.com/apps. *Slash Commands → Create New Command*: \`/fleet\`, request URL
\`https://<your-endpoint>/hooks/slack\`. For buttons set the same URL under *Interactivity*, for mentions under
*Event Subscriptions* (event \`app_mention\`). The secret is the app's **Signing Secret** (*Basic Information*).

The answer, visible to the caller only, names every matched rule and its run, or why none matched. Progress and result
go to the command's \`response_url\` (at most 5 messages in 30 minutes), which must be on \`https://hooks.slack.com\`; what
a mention starts is reported below it, if \`SLACK_REPLY_SECRET\` is a bot token ([chat-ops.md](chat-ops.md)).
A request is refused when its time is more than 5 minutes from ours, in either direction.`,
  facts: {
    proof: 'HMAC-SHA256 of time and body in `X-Slack-Signature`',
    replayWindow: '5 minutes',
    eventId: '`trigger_id`, `event_id`',
    people: {
      user: 'member id, `U2CERLKJA`: *profile → ⋮ → Copy member ID*',
      userName: 'display name',
      channel: 'channel id, `C1234567890`: *channel details*, at the end',
      channelName: 'channel’s name',
      groups: '—',
      tenant:
        'workspace id of the person, `T…`: *in the address of the web client*; in an Enterprise Grid also `E…`',
      isReachedByOthers: true,
    },
  },
  kinds: ['chat'],
  settings: SlackSettings,
  contentTypes: ['application/x-www-form-urlencoded', 'application/json'],
  verify(request, { secrets, now }) {
    if (isSslCheck(request)) return AUTHENTIC;
    const timestamp = request.headers['x-slack-request-timestamp'];
    const signature = verifyHmac(request, {
      header: 'x-slack-signature',
      prefix: 'v0=',
      signed: [`v0:${timestamp ?? ''}:`, request.body],
      keys: secrets,
    });
    return signature.isAuthentic ? verifyFreshness(timestamp, now) : signature;
  },
  payload: SlackPayload,
  normalise: normaliseSlack,
  answer: answerInSlack,
});

/**
 * Slack's certificate probe is not signed. It is accepted only if the body contains nothing else: normalise answers it
 * first.
 */
function isSslCheck(request: SourceRequest): boolean {
  if (mediaType(request) !== 'application/x-www-form-urlencoded' || request.body.length > 200) return false;
  try {
    const { ssl_check: probe, token: _, ...rest } = request.form();
    return probe === '1' && Object.keys(rest).length === 0;
  } catch {
    return false;
  }
}
