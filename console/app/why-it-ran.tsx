/** The event that asked for a run, what each rule said of it, and the runs that led here. */
import type { EventPage, RunDetail } from './answers.ts';
import type { Api } from './api.ts';
import { useLive } from './live.ts';

export function WhyItRan({ run, api }: { run: RunDetail; api: Api }) {
  const { source, type, id, subject, actor } = run.trigger;
  const { answer } = useLive<EventPage>(
    api,
    `/events?limit=100&source=${encodeURIComponent(source)}`,
    undefined,
  );
  const decision = answer?.events.find(({ matched }) => matched.some(({ runId }) => runId === run.runId));
  return (
    <section aria-labelledby="why">
      <h2 id="why">Why it ran</h2>
      <p>
        The rule <strong>{run.rule}</strong> matched <code>{type}</code> of <strong>{source}</strong>
        {subject !== undefined && <>, about {subject}</>}
        {actor !== undefined && (
          <>, by {[actor.name, actor.id && `(${actor.id})`].filter(Boolean).join(' ')}</>
        )}{' '}
        (event <code>{id}</code>).
      </p>
      {run.ancestry.length > 0 && (
        <p>
          It follows from{' '}
          {run.ancestry.map(({ runId, rule }, index) => (
            <span key={runId}>
              {index > 0 && ', then '}
              <a href={`#/runs/${runId}`}>{rule}</a>
            </span>
          ))}
          .
        </p>
      )}
      {decision !== undefined && decision.unmatched.length > 0 && (
        <details>
          <summary>Rules that did not match this event ({decision.unmatched.length})</summary>
          <ul>
            {decision.unmatched.map(({ rule, because }) => (
              <li key={rule}>
                <strong>{rule}</strong>: {because}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
