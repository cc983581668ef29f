/**
 * An id that its sender chooses can be used twice: an attacker could use the id of a later, real event, which would then
 * count as known and never run. So the first claim of an id stores a hash of the event's content.
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
 * The requests of the event, under a separate id if its id was used for another content. They run if the sender signs the
 * content, and are rejected if only a token authenticates it: a retry with changed content would run twice.
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
    // No source produces such an id, so a sender cannot occupy the run of this one.
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

/** If the table does not answer, the check is skipped: only the id decides what is a repetition. */
async function claim({ runId }: RunRequest, hash: string, { contents, log, now }: ReuseContext) {
  try {
    return await contents.claim(runId, hash, now());
  } catch (thrown) {
    log.warn('event.id-unchecked', { runId, because: thrown instanceof Error ? thrown.name : 'unknown' });
    return 'ours';
  }
}
