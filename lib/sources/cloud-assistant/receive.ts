/**
 * Alibaba Cloud Assistant's events of ended tasks, through EventBridge or CloudMonitor, over HTTP or on the `events`
 * queue. They are generic events: the result with its output is still read from DescribeInvocations.
 */
import * as z from 'zod';
import { firstText, joinedId } from '../../model/id-parts.ts';
import type { InvocationNews } from '../../model/invocation-news.ts';
import { present } from '../../present.ts';
import { writeFiringId } from '../../providers/alibaba/firing-id.ts';
import { verifyHeader, verifyUrlSecret } from '../proofs/bearer.ts';
import { genericEvent } from '../shared/build-event.ts';
import { contentHash } from '../shared/content-hash.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { defineSource } from '../source.ts';
import { isTaskEvent, TaskEvent, TaskFacts } from './event.ts';

const TOKEN_HEADER = 'x-eventbridge-signature-token';

export const cloudAssistant = defineSource({
  name: 'cloud-assistant',
  title: 'Alibaba Cloud Assistant task events',
  documentation: 'https://www.alibabacloud.com/help/en/ecs/user-guide/subscribe-to-cloud-assistant-events',
  setup: `In EventBridge, default bus, make a rule for the source \`acs.ecs\` and the type
\`ecs:CloudAssistant:TaskCompleted\`, whose target is HTTPS: \`https://<your-endpoint>/hooks/cloud-assistant\` with the
secret as its *token* (or \`…/hooks/cloud-assistant/<secret>\`).

Each instance sends one event when its task has ended; there is no event for a start, and none contains the output.
\`event.data.body\` has \`invokeId\`, \`instanceId\`, \`status\`, \`exitCode\` (a number), \`commandId\`, \`startTime\`,
\`finishTime\`, \`errorCode\` and \`errorDesc\`.`,
  facts: {
    proof: 'EventBridge’s token, or the secret in the URL',
    replayWindow: 'none',
    eventId: 'the event’s `id`',
  },
  kinds: ['generic'],
  settings: z.strictObject({}),
  contentTypes: ['application/json', 'application/cloudevents+json'],
  verify: (request, { secrets }) =>
    request.headers[TOKEN_HEADER] === undefined
      ? verifyUrlSecret(request, secrets)
      : verifyHeader(request, TOKEN_HEADER, secrets),
  payload: TaskEvent,
  normalise(event, _request, { now }) {
    const isCloud = 'type' in event;
    const type = String(isCloud ? event.type : event.name);
    const parsed = TaskFacts.safeParse(isCloud ? event.data : event.content);
    if (!parsed.success) return { kind: 'ignored', because: `${type} tells no task’s end` };
    const facts = parsed.data;
    const time = firstText(event.time, event['eventTime']);
    const given = firstText(event.id);
    return {
      kind: 'events',
      news: newsOf(facts),
      ...(given && { contents: { hashes: [contentHash({ type, facts })], isSigned: false } }),
      events: [
        genericEvent(
          {
            source: 'cloud-assistant',
            id: given ?? joinedId([facts.invokeId, facts.instanceId, facts.repeats]),
            verb: type,
            subject: `${facts.invokeId}/${facts.instanceId}`,
            time: toIsoTime(time) ?? toIsoTime(facts.finishTime) ?? now.toISOString(),
          },
          {
            body: present({
              invokeId: facts.invokeId,
              instanceId: facts.instanceId,
              status: facts.invocationStatus,
              exitCode: toInteger(facts.exitCode),
              commandId: firstText(facts.commandId),
              commandName: firstText(facts.commandName),
              repeats: toInteger(facts.repeats),
              startTime: toIsoTime(facts.startTime),
              finishTime: toIsoTime(facts.finishTime),
              errorCode: firstText(facts.errorCode),
              errorDesc: firstText(facts.errorDesc),
              region: firstText(event['aliyunregionid'], event['regionId']),
              account: firstText(event['aliyunaccountid'], event['userId']),
            }),
            raw: event,
          },
        ),
      ],
    };
  },
  recognises: isTaskEvent,
});

/** We treat each firing of a schedule as a separate invocation: `t-…#<n>` (lib/providers/alibaba/firing-id.ts). */
function newsOf({ invokeId, repeats, repeatMode }: TaskFacts): InvocationNews[] {
  const whole: InvocationNews = { provider: 'alibaba', invocationId: invokeId };
  const times = toInteger(repeats);
  return times === undefined || repeatMode !== 'Period'
    ? [whole]
    : [whole, { ...whole, invocationId: writeFiringId({ invokeId, repeats: times }) }];
}

function toInteger(value: unknown): number | undefined {
  const given = firstText(value);
  return given !== undefined && /^-?\d+$/.test(given) ? Number(given) : undefined;
}
