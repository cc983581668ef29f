/** Opsgenie's outgoing webhook, and Jira Service Management operations, which took it over. It signs nothing. */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { alertEvent } from './shared/build-event.ts';
import { idTime } from './shared/delivery-id.ts';
import { toIsoTime } from './shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from './shared/labels.ts';
import { defineSource } from './source.ts';

const Payload = z.looseObject({
  action: z.string(),
  alert: z
    .looseObject({
      alertId: lenientText,
      alias: lenientText,
      message: lenientText,
      description: lenientText,
      entity: lenientText,
      priority: lenientText,
      source: lenientText,
      tinyId: lenientText,
      createdAt: lenientText,
      updatedAt: lenientText,
      tags: z.array(z.string()).nullish().catch(undefined),
      details: z.unknown().optional(),
    })
    .nullish(),
});

/** Notes, tags, owners, escalations and deletions change no state that a rule could act on. */
const STATUS_BY_ACTION = new Map([
  ['create', 'firing' as const],
  ['acknowledge', 'acknowledged' as const],
  ['close', 'resolved' as const],
]);

export const opsgenie = defineSource({
  name: 'opsgenie',
  title: 'Opsgenie, Jira Service Management',
  documentation: 'https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/',
  setup: `Add a *Webhook* integration: URL \`https://<your-endpoint>/hooks/opsgenie\`, a custom header
\`Authorization: Bearer <secret>\`, the actions *create*, *acknowledge* and *close*, and *Add alert details to payload*.

The alert's details are labels, beside \`alias\`, \`entity\`, \`source\` and \`tags\` (joined by commas); its id is the
fingerprint.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'alert, action and time of the change',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Payload,
  normalise(payload, _request, { now }) {
    const { action, alert } = payload;
    const status = STATUS_BY_ACTION.get(action.toLowerCase());
    const fingerprint = firstText(alert?.alertId, alert?.alias);
    if (status === undefined || !alert || fingerprint === undefined) {
      return { kind: 'ignored', because: `Opsgenie’s action ${action} starts nothing` };
    }
    const updatedAt = toIsoTime(alert.updatedAt);
    return {
      kind: 'events',
      events: [
        alertEvent(
          {
            source: 'opsgenie',
            // An alert is created once, but may be acknowledged again: the time of the change distinguishes them.
            id: joinedId([fingerprint, action, idTime(alert.updatedAt)]),
            time: updatedAt ?? now.toISOString(),
          },
          {
            status,
            name: firstText(alert.message, alert.alias) ?? fingerprint,
            severity: firstText(alert.priority),
            summary: firstText(alert.description, alert.message),
            labels: withInstanceId({
              ...toLabels(alert.details),
              ...toLabels({
                alias: alert.alias,
                entity: alert.entity,
                source: alert.source,
                tags: alert.tags?.join(','),
              }),
            }),
            annotations: {},
            fingerprint,
            startsAt: toIsoTime(alert.createdAt),
            endsAt: status === 'resolved' ? updatedAt : undefined,
            raw: payload,
          },
        ),
      ],
    };
  },
});
