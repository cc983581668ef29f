/** Our own completion events, so that the end of one run can start another. */
import * as z from 'zod';
import { ProviderEventType } from '../model/provider-event.ts';
import { CompletionData } from '../model/trigger-event.ts';
import { present } from '../present.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { CloudEvent, isCloudEvent } from './shared/cloud-event.ts';
import { contentHash } from './shared/content-hash.ts';
import { toIsoTime } from './shared/event-time.ts';
import { defineSource } from './source.ts';

const PREFIX = 'fleet-reflex.';
const OwnEvent = CloudEvent.extend({ type: z.string().startsWith(PREFIX), data: CompletionData });
/** It comes to the same queue as completion events. */
const OfProvider = CloudEvent.extend({ type: ProviderEventType });

export const fleetReflex = defineSource({
  name: 'fleet-reflex',
  title: 'fleet-reflex itself',
  documentation: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md',
  setup: `Let a completion queue be a destination of \`notify:\` and subscribe the \`events\` queue to it, or send
the completion events of another deployment to \`https://<your-endpoint>/hooks/fleet-reflex\` with
\`Authorization: Bearer <secret>\`. A rule on it sees \`event.type\` \`completion.run.completed\`,
\`completion.run.waiting\`, \`completion.run.started\`, \`completion.run.rejected\` or \`completion.task.completed\`, and the completion's data.`,
  facts: {
    proof: 'the queue’s policy; over HTTP a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'the completion event’s `id`',
  },
  kinds: ['completion'],
  settings: z.strictObject({}),
  contentTypes: ['application/json', 'application/cloudevents+json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  // In this order: of what fits neither, the problems of a completion event are told.
  payload: z.union([OwnEvent, OfProvider]),
  normalise(event, _request, { now }) {
    if (isOfProvider(event)) {
      return { kind: 'ignored', because: `${event.type} is of a cloud and not of a run: it starts nothing` };
    }
    return {
      kind: 'events',
      contents: { hashes: [whatIsToldOf(event)], isSigned: false },
      events: [
        {
          ...present({
            specversion: '1.0' as const,
            id: event.id,
            source: 'fleet-reflex',
            subject: event.subject ?? event.data.runId,
            time: toIsoTime(event.time) ?? now.toISOString(),
            traceparent: event.traceparent ?? undefined,
          }),
          kind: 'completion',
          type: `completion.${event.type.slice(PREFIX.length)}`,
          data: { ...event.data, raw: event },
        },
      ],
    };
  },
  recognises: isOwnEvent,
});

function isOfProvider(
  event: z.infer<typeof OwnEvent> | z.infer<typeof OfProvider>,
): event is z.infer<typeof OfProvider> {
  return ProviderEventType.safeParse(event.type).success;
}

/** The fields that do not change if we publish the event again after a crash, when more may be known of its tasks. */
function whatIsToldOf({ source, type, subject, data }: z.infer<typeof OwnEvent>): string {
  const { runId, rule, provider, status, region, command, trigger } = data;
  return contentHash({ source, type, subject, runId, rule, provider, region, command, status, trigger });
}

export function isOwnEvent(body: unknown): boolean {
  return isCloudEvent(body) && body.type.startsWith(PREFIX);
}
