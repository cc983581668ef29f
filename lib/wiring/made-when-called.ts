/** A handler whose parts are opened with its first event, so that importing a function stays cheap. */
import type { MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';

/**
 * @param make called with the first event; again with the next one where it has failed
 * @example export const handler = madeWhenCalled(async () => {
 *   const { webhookHandler } = await import('../lib/sources/webhook.ts');
 *   return webhookHandler(parts);
 * });
 */
export function madeWhenCalled<Event, Answer>(
  make: () => Promise<MiddyfiedHandler<Event, Answer>>,
): (event: Event, context: Context) => Promise<Answer> {
  let made: Promise<MiddyfiedHandler<Event, Answer>> | undefined;
  return async (event, context) => {
    made ??= make();
    const handler = await made.catch((thrown: unknown) => {
      made = undefined;
      throw thrown;
    });
    return await handler(event, context);
  };
}
