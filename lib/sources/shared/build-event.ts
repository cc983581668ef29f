/** Builds trigger events of each kind, so that no source spells the envelope itself. */
import type { AlertData, ChatData, DeployData, TriggerEvent } from '../../model/trigger-event.ts';
import { present } from '../../present.ts';

/** The same fields, where an optional one may also be given as undefined. */
type Given<T> = { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] };

interface Envelope {
  /** The source's name. */
  source: string;
  /** The same when the source sends the same fact again. */
  id: string;
  /** The sender's id of the delivery, if the signature does not cover it: only for people. */
  deliveryid?: string | undefined;
  subject?: string | undefined;
  /** ISO 8601; see lib/sources/shared/event-time.ts. */
  time: string;
  traceparent?: string | undefined;
}

/** `alert.firing`, `alert.resolved`, `alert.acknowledged`. The subject defaults to the alert's name. */
export function alertEvent(envelope: Envelope, data: Given<AlertData>): TriggerEvent {
  return {
    ...head({ subject: data.name, ...envelope }),
    kind: 'alert',
    type: `alert.${data.status}`,
    data: present(data),
  };
}

/** `deploy.<verb>`. The subject defaults to the repository. */
export function deployEvent(envelope: Envelope & { verb: string }, data: Given<DeployData>): TriggerEvent {
  const { verb, ...rest } = envelope;
  return {
    ...head({ subject: data.repository, ...rest }),
    kind: 'deploy',
    type: `deploy.${verb}`,
    data: present(data),
  };
}

/** `chat.command`, or another verb. The subject defaults to the channel. */
export function chatEvent(envelope: Envelope & { verb?: string }, data: Given<ChatData>): TriggerEvent {
  const { verb = 'command', ...rest } = envelope;
  return {
    ...head({ subject: data.channel?.name ?? data.channel?.id, ...rest }),
    kind: 'chat',
    type: `chat.${verb}`,
    data: present(data),
  };
}

/** `generic.<type>` with the body as it came. */
export function genericEvent(
  envelope: Envelope & { verb: string },
  data: { body: unknown; raw?: unknown },
): TriggerEvent {
  const { verb, ...rest } = envelope;
  return {
    ...head(rest),
    kind: 'generic',
    type: `generic.${verb}`,
    data: { body: data.body, ...present({ raw: data.raw }) },
  };
}

function head(envelope: Envelope) {
  return { specversion: '1.0' as const, ...present(envelope) };
}
