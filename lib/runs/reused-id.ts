/**
 * An id that its sender chooses can be used twice: whoever may send an event takes the id of a later, real one, which
 * would then be known already and never run. So what an event says is remembered beside its id, by its first claim.
 */
import type { Log } from '../logging.ts';
import type { Note } from '../model/decision.ts';
import { joinedId } from '../model/id-parts.ts';
import { rejectionOf } from '../model/reject-request.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Contents } from '../store/contents.ts';

export interface ReuseContext {
  contents: Contents;
  log: Log;
  now: () => Date;
}

export interface Checked {
  event: TriggerEvent;
  requests: readonly RunRequest[];
  notes?: readonly Note[];
}

/**
 * What the event asks for; under an id of its own where its id was used for something else. It runs where its sender
 * signs what it says, and is rejected where anybody with the token may have written it: a retry that says something
 * else would run twice.
 * @param hash what it says: lib/sources/shared/content-hash.ts
 */
export async function checkReuse(
  event: TriggerEvent,
  requests: readonly RunRequest[],
  { hash, isSigned }: { hash: string; isSigned: boolean },
  context: ReuseContext,
): Promise<Checked> {
  const claims = await Promise.all(requests.map((request) => claim(request, hash, context)));
  if (!claims.includes('taken')) return { event, requests };
  const id = joinedId([event.id, hash.slice(0, 32)]);
  const note = noteOn(isSigned);
  const own = requests.map((request, index) => {
    if (claims[index] !== 'taken') return request;
    // Of a source that cannot be: an id that is written like this one is no way to occupy its run.
    const runId = runIdFor(request.rule, `${event.source}/${note.code}`, id);
    const again: RunRequest = { ...request, runId, trigger: { ...request.trigger, id } };
    return isSigned ? again : rejectionOf(again, note);
  });
  return { event: { ...event, id }, requests: own, notes: [note] };
}

function noteOn(isSigned: boolean): Note {
  const became = isSigned
    ? 'It is signed, and ran as an event of its own, under this id with a hash behind it'
    : 'Nothing signs it, and nothing was run: send it again under an id of its own';
  return {
    code: 'event.id-reused',
    message: `An event with this id and another content came before. ${became}. Look at who sends: an id is used once, and a retry says the same.`,
  };
}

/** Without an answer of the table it is as if there were no such check: the id alone says what is done once. */
async function claim({ runId }: RunRequest, hash: string, { contents, log, now }: ReuseContext) {
  try {
    return await contents.claim(runId, hash, now());
  } catch (thrown) {
    log.warn('event.id-unchecked', { runId, because: thrown instanceof Error ? thrown.name : 'unknown' });
    return 'ours';
  }
}
