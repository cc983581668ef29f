/**
 * Alibaba Cloud Assistant's task event: a command has ended on one instance; the output is not included. EventBridge
 * sends the facts in `data`; CloudMonitor presumably in `content` (no sample has been found).
 * https://www.alibabacloud.com/help/en/ecs/user-guide/subscribe-to-cloud-assistant-events
 */
import * as z from 'zod';
import { isCloudEvent } from '../shared/cloud-event.ts';
import { lenientText } from '../shared/labels.ts';

const TYPE = 'ecs:CloudAssistant:';

/** All values come as text. */
export const TaskFacts = z.looseObject({
  invokeId: z.string(),
  instanceId: z.string(),
  invocationStatus: z.string(),
  commandId: lenientText,
  commandName: lenientText,
  exitCode: lenientText,
  repeats: lenientText,
  repeatMode: lenientText,
  startTime: lenientText,
  finishTime: lenientText,
  errorCode: lenientText,
  errorDesc: lenientText,
});
export type TaskFacts = z.infer<typeof TaskFacts>;

export const TaskEvent = z.union([
  z.looseObject({
    id: z.string().min(1),
    type: z.string().startsWith(TYPE),
    time: lenientText,
    aliyunaccountid: lenientText,
    aliyunregionid: lenientText,
    data: z.unknown().optional(),
  }),
  z.looseObject({
    id: lenientText,
    product: z.literal('ECS'),
    name: z.string(),
    eventTime: lenientText,
    regionId: lenientText,
    userId: lenientText,
    content: TaskFacts,
  }),
]);
export type TaskEvent = z.infer<typeof TaskEvent>;

/** Is it an event of Cloud Assistant, as EventBridge or CloudMonitor carries it? */
export function isTaskEvent(body: unknown): boolean {
  if (isCloudEvent(body)) return body.type.startsWith(TYPE);
  return TaskEvent.safeParse(body).success;
}
