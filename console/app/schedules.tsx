/** What waits for its time, soonest first. */
import { Alert } from './alert.tsx';
import type { RunPage } from './answers.ts';
import type { Api } from './api.ts';
import { useLive } from './live.ts';
import { instancesText } from './outcome.ts';
import { When } from './when.tsx';

const EVERY_MS = 10_000;

export function Schedules({ api }: { api: Api }) {
  const { answer, problem } = useLive<RunPage>(api, '/runs?status=scheduled&limit=100', EVERY_MS);
  return (
    <>
      <h1>Schedules</h1>
      {problem && <Alert>{problem.message}</Alert>}
      {answer?.runs.length === 0 && (
        <p class="empty">
          Nothing waits for its time. Standing schedules are in the rules file: npx fleet-reflex schedules
          lists them.
        </p>
      )}
      <ul class="runs" aria-label="Scheduled runs, soonest first">
        {answer?.runs.map((run) => {
          const { nextAt, at, recurrence } = run.schedule ?? {};
          const time = nextAt ?? at;
          return (
            <li key={run.runId}>
              <a href={`#/runs/${run.runId}`}>
                {run.rule}
                <span class="where"> on {instancesText(run.instances)}</span>
              </a>
              {recurrence !== undefined && <span class="facts">again and again: {recurrence}</span>}
              {time !== undefined && <When at={time} />}
            </li>
          );
        })}
      </ul>
    </>
  );
}
