/** The kill switch, on every page. */
import { useState } from 'preact/hooks';
import { Alert } from './alert.tsx';
import type { Freeze } from './answers.ts';
import { type Api, Problem } from './api.ts';
import { useLive } from './live.ts';

const EVERY_MS = 5_000;

export function FreezeSwitch({ api }: { api: Api }) {
  const { answer, refresh } = useLive<Freeze>(api, '/freeze', EVERY_MS);
  const [problem, setProblem] = useState<string>();
  const [reason, setReason] = useState('');

  const act = async (method: 'PUT' | 'DELETE'): Promise<void> => {
    setProblem(undefined);
    try {
      const body = method === 'PUT' ? { reason: reason.trim() || 'frozen in the console' } : undefined;
      await api.send(method, '/freeze', body);
      setReason('');
    } catch (thrown) {
      setProblem(thrown instanceof Problem ? thrown.message : String(thrown));
    }
    refresh();
  };

  return (
    <section class={`freeze ${answer?.isFrozen ? 'on' : ''}`} aria-label="Freeze">
      {answer?.isFrozen ? (
        <>
          <p role="status">
            <strong>Frozen: nothing is sent.</strong> {answer.reason} (by {answer.onBehalfOf ?? answer.by}
            {answer.until !== undefined && `, until ${new Date(answer.until).toLocaleString()}`})
          </p>
          <button type="button" onClick={() => void act('DELETE')}>
            Lift freeze
          </button>
        </>
      ) : (
        <>
          <label>
            <span class="hint">Reason</span>{' '}
            <input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
          <button type="button" class="danger" onClick={() => void act('PUT')}>
            Freeze all runs
          </button>
        </>
      )}
      {problem !== undefined && <Alert>{problem}</Alert>}
    </section>
  );
}
