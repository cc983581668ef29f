/** Cancel, Approve, Deny: each says what became of it. */
import { useState } from 'preact/hooks';
import { Alert } from './alert.tsx';
import type { RunDetail } from './answers.ts';
import { type Api, Problem } from './api.ts';
import { isOpen, waitsForPerson } from './outcome.ts';

interface Action {
  name: string;
  path: string;
  done: string;
  look?: 'primary' | 'danger';
}

const CANCEL: Action = {
  name: 'Cancel run',
  path: 'cancel',
  done: 'The cancel is requested.',
  look: 'danger',
};
const APPROVE: Action = { name: 'Approve', path: 'approve', done: 'It is approved.', look: 'primary' };
const RESUME: Action = {
  name: 'Resume run',
  path: 'resume',
  done: 'The rest of it is asked for, as a run of its own.',
};
const DENY: Action = { name: 'Deny', path: 'deny', done: 'It is denied: nothing will run.' };

export function RunActions({ run, api, onDone }: { run: RunDetail; api: Api; onDone: () => void }) {
  const [isAsking, setIsAsking] = useState(false);
  const [said, setSaid] = useState<{ text: string; isProblem: boolean }>();

  const act = async ({ path, done }: Action): Promise<void> => {
    setIsAsking(true);
    setSaid(undefined);
    try {
      await api.send('POST', `/runs/${run.runId}/${path}`);
      setSaid({ text: done, isProblem: false });
    } catch (thrown) {
      setSaid({ text: thrown instanceof Problem ? thrown.message : String(thrown), isProblem: true });
    }
    setIsAsking(false);
    onDone();
  };

  return (
    <div class="actions">
      {actionsOf(run).map((action) => (
        <button
          key={action.name}
          type="button"
          class={action.look ?? ''}
          disabled={isAsking}
          onClick={() => void act(action)}
        >
          {action.name}
        </button>
      ))}
      <div role="status" aria-live="polite">
        {said && !said.isProblem && <p>{said.text}</p>}
      </div>
      {said?.isProblem && <Alert>{said.text}</Alert>}
    </div>
  );
}

function actionsOf(run: RunDetail): Action[] {
  if (waitsForPerson(run)) return [APPROVE, DENY, CANCEL];
  if (isOpen(run)) return [CANCEL];
  const hasRest = (run.neverSentTo ?? []).length > 0 && run.resumedAs === undefined;
  return hasRest && run.waves !== undefined ? [RESUME] : [];
}
