/**
 * The queues that a deployment has, each with its dead-letter queue: serverless.yml makes them, and a test holds the two
 * together.
 */
export const QUEUES = ['events', 'runs', 'records', 'wake-up', 'deliveries', 'completions'] as const;

export function deadLetterName(queue: string): string {
  return `${queue}-dlq`;
}
