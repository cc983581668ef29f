/** A destination as the rules file defines it; a run carries it resolved. */
import * as z from 'zod';

const named = {
  name: z.string(),
  /** Only the end of a run with this outcome; anything but `succeeded` is `failed`. Absent: every event. */
  outcome: z.enum(['succeeded', 'failed']).optional(),
};

/** A destination as `destinations:` in rules.yml defines it, under its name. All but web hooks are of our own account. */
export const DestinationRef = z.union([
  z.strictObject({ ...named, sqs: z.string() }),
  z.strictObject({ ...named, sns: z.string() }),
  z.strictObject({ ...named, eventbridge: z.string() }),
  z.strictObject({ ...named, webhook: z.string() }),
  z.strictObject({ ...named, log: z.string() }),
]);
export type DestinationRef = z.infer<typeof DestinationRef>;

/** The fields that say what a destination is. A definition has one of them. */
export const DESTINATION_KINDS = ['sqs', 'sns', 'eventbridge', 'webhook', 'log'] as const;
export type DestinationKind = (typeof DESTINATION_KINDS)[number];

/** What it is, and where: the name of the queue, topic, bus or log group, or the URL. */
export function addressOf(ref: DestinationRef): { kind: DestinationKind; address: string } {
  if ('sqs' in ref) return { kind: 'sqs', address: ref.sqs };
  if ('sns' in ref) return { kind: 'sns', address: ref.sns };
  if ('eventbridge' in ref) return { kind: 'eventbridge', address: ref.eventbridge };
  if ('webhook' in ref) return { kind: 'webhook', address: ref.webhook };
  return { kind: 'log', address: ref.log };
}

/** The same for two names of one place. Web hooks of different names are signed with different secrets. */
export function placeOf(ref: DestinationRef): string {
  const { kind, address } = addressOf(ref);
  return kind === 'webhook' ? `${kind} ${ref.name} ${address}` : `${kind} ${address}`;
}

const WORDS: Readonly<Record<DestinationKind, string>> = {
  sqs: 'SQS',
  sns: 'SNS',
  eventbridge: 'EventBridge',
  webhook: 'web hook of',
  log: 'CloudWatch log group',
};

/** For people: `ops (SQS ops-completions)`. Of a web hook only the host: its path may be a secret. */
export function describeDestination(ref: DestinationRef): string {
  const { kind, address } = addressOf(ref);
  return `${ref.name} (${WORDS[kind]} ${kind === 'webhook' ? hostOf(address) : address})`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'a URL that cannot be read';
}
