/** `/hooks/{source}`: events over HTTP. */
import { readConfig, WebhookConfig } from '../lib/config.ts';
import { webhookHandler } from '../lib/sources/webhook.ts';
import { doorParts } from '../lib/wiring/door.ts';

export const handler = webhookHandler(doorParts('webhook', readConfig(WebhookConfig)));
