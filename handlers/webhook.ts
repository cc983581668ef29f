/** `/hooks/{source}`: events over HTTP. */
import { readConfig, WebhookConfig } from '../lib/config.ts';
import { webhookHandler } from '../lib/door/webhook.ts';
import { doorParts } from '../lib/parts/door.ts';

export const handler = webhookHandler(doorParts('webhook', readConfig(WebhookConfig)));
