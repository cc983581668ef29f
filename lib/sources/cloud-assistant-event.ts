/** How Alibaba Cloud Assistant's task events are told from other CloudEvents. */
import { isCloudEvent } from './cloud-event.ts';

export function isTaskEvent(body: unknown): boolean {
  return isCloudEvent(body) && body.type.startsWith('ecs:CloudAssistant:');
}
