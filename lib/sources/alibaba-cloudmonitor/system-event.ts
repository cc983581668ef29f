/** An event of an Alibaba product as CloudMonitor pushes it: what happened, to which resource. */
import * as z from 'zod';
import { firstText, joinedId } from '../../model/id-parts.ts';
import type { TriggerEvent } from '../../model/trigger-event.ts';
import { alertEvent } from '../shared/build-event.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { lenientText, toLabels, withInstanceId } from '../shared/labels.ts';

export const SystemEvent = z.looseObject({
  id: lenientText,
  traceId: lenientText,
  product: z.string(),
  name: z.string(),
  level: lenientText,
  status: lenientText,
  resourceId: lenientText,
  instanceName: lenientText,
  regionId: lenientText,
  userId: lenientText,
  eventTime: lenientText,
  time: lenientText,
  content: z.unknown().optional(),
});
export type SystemEvent = z.infer<typeof SystemEvent>;

export function systemEventToEvent(
  event: SystemEvent,
  source: string,
  body: Uint8Array,
  now: Date,
): TriggerEvent {
  const content = toLabels(event.content);
  // acs:ecs:cn-hangzhou:123456789:instance/i-bp1…
  const instanceId = /instance\/([\w-]+)$/.exec(firstText(event.resourceId) ?? '')?.[1];
  const startsAt = toIsoTime(event.eventTime ?? event.time);
  return alertEvent(
    {
      source,
      id: deliveryId(body, event.id, event.traceId),
      time: startsAt ?? now.toISOString(),
    },
    {
      status: 'firing',
      name: event.name,
      severity: firstText(event.level),
      summary: [event.product, event.name, firstText(event.instanceName, instanceId, event.resourceId)]
        .filter((part) => part !== undefined)
        .join(' '),
      labels: withInstanceId({
        ...content,
        ...toLabels({
          instanceId: content['instanceId'] ?? instanceId,
          product: event.product,
          resourceId: event.resourceId,
          instanceName: event.instanceName,
          regionId: event.regionId,
          userId: event.userId,
          eventStatus: event.status,
        }),
      }),
      annotations: {},
      fingerprint: `${joinedId([event.product, event.name])}/${firstText(event.resourceId) ?? ''}`,
      startsAt,
      raw: event,
    },
  );
}
