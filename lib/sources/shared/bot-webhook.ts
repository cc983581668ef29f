/**
 * The web hooks of group robots, as a source's reply secret has them: `<url>` for every channel, or
 * `<channel>=<url>` for one; a robot that wants signatures has its secret behind a `#`. The URL is never an event's.
 */
import type { ReplyContext } from './channel.ts';

export interface BotWebhook {
  url: URL;
  /** What the robot's requests are signed with. */
  signingSecret?: string;
}

const ENTRY = /^(?:(.+)=)?(https?:\/\/\S+)$/;

export async function botWebhookFor(
  source: string,
  channel: string | undefined,
  { secrets }: Pick<ReplyContext, 'secrets'>,
): Promise<BotWebhook | undefined> {
  const entries = (await secrets(source)).flatMap(parseEntry);
  const own = entries.find((entry) => entry.channel !== undefined && entry.channel === channel);
  return (own ?? entries.find((entry) => entry.channel === undefined))?.webhook;
}

function parseEntry(entry: string): { channel: string | undefined; webhook: BotWebhook }[] {
  const [, channel, text] = ENTRY.exec(entry) ?? [];
  if (text === undefined || !URL.canParse(text)) return [];
  const url = new URL(text);
  // Not URL-decoded: a secret is not a URL, and may contain `%`.
  const [, signingSecret = ''] = /#(.*)$/.exec(text) ?? [];
  url.hash = '';
  return [{ channel, webhook: { url, ...(signingSecret !== '' && { signingSecret }) } }];
}
