/** Replies to chats and code hosts. The sender is loaded with the first reply: most events have no reply address. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BaseConfig, environment, type SecretsConfig } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../logging.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { replySecrets } from '../secrets.ts';
import type { Replies } from '../sources/replies.ts';

/** The delays before retries to a busy chat; afterwards the reply is dropped, and logged. */
const WAITS_MS = [500, 2_000];

export function repliesOf(config: BaseConfig & SecretsConfig, log: Log, deadlineMs: number) {
  let opened: Promise<Replies> | undefined;
  const open = async (): Promise<Replies> => {
    const { replies } = await import('../sources/replies.ts');
    return replies({
      secrets: replySecrets(config, environment),
      log,
      now: () => new Date(),
      allowLoopback: config.REPLIES_MAY_GO_TO_LOOPBACK === 'true',
      deadlineMs,
    });
  };
  const sender = () => {
    opened ??= open();
    return opened;
  };
  return {
    say: async (text: string, replyTo: ReplyTo): Promise<void> => (await sender()).say(text, replyTo),
    reply: async (event: CompletionEvent, replyTo: ReplyTo): Promise<void> => {
      // A task's end is no news in a chat.
      if (event.type === 'fleet-reflex.task.completed') return;
      for (const waitMs of [...WAITS_MS, undefined]) {
        try {
          await (await sender()).send(event, replyTo);
          return;
        } catch (thrown) {
          const facts = { runId: event.subject, via: replyTo.via, error: messageOf(thrown) };
          if (waitMs === undefined) log.error('reply.lost', facts);
          else {
            log.warn('reply.waits', { ...facts, waitMs });
            await sleep(waitMs);
          }
        }
      }
    },
  };
}
