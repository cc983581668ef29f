/**
 * The queues that a deployment has, each with its dead-letter queue: serverless.yml makes them, and a test holds the two
 * together. In the account their names begin with the deployment's prefix (QUEUE_PREFIX), so that several deployments fit
 * into one account and region; the local stack has none. In rules, messages and records they have these names.
 */
export const QUEUES = ['events', 'runs', 'records', 'wake-up', 'deliveries', 'completions'] as const;

/** What the queues of a stage begin with, unless its deployment sets another (serverless.yml, `queuePrefix`). */
export function prefixOf(stage: string): string {
  return stage === 'local' ? '' : `fleet-reflex-${stage}-`;
}

/** A queue's name in the account: of one of ours with the deployment's prefix, of any other as it is. */
export function nameInAccount(queue: string, prefix: string): string {
  return QUEUES.some((own) => own === queue) ? `${prefix}${queue}` : queue;
}

export function deadLetterName(queue: string): string {
  return `${queue}-dlq`;
}
