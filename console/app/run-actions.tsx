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

  const actions = waitsForPerson(run) ? [APPROVE, DENY, CANCEL] : isOpen(run) ? [CANCEL] : [];
  return (
    <div class="actions">
      {actions.map((action) => (
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
