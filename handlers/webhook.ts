/** `/hooks/{source}`: events over HTTP. */
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';
import { queueClient } from '../lib/wiring/queue-client.ts';

const client = queueClient();

export const handler = madeWhenCalled(async () => {
  const [{ readConfig, WebhookConfig }, { doorParts }, { webhookHandler }] = await Promise.all([
    import('../lib/config.ts'),
    import('../lib/wiring/door.ts'),
    import('../lib/sources/webhook.ts'),
  ]);
  return webhookHandler(doorParts('webhook', readConfig(WebhookConfig), client));
});
