/** `/hooks/{source}`: events over HTTP. */
import { readConfig, WebhookConfig } from '../lib/config.ts';
import { doorParts } from '../lib/wiring/door.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const parts = doorParts('webhook', readConfig(WebhookConfig));

export const handler = madeWhenCalled(async () => {
  const { webhookHandler } = await import('../lib/sources/webhook.ts');
  return webhookHandler(parts);
});
