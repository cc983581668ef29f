/** What came, what it started, and why it started nothing else. */
import { useState } from 'preact/hooks';
import { Alert } from './alert.tsx';
import type { Decision, EventPage } from './answers.ts';
import type { Api } from './api.ts';
import { useLive } from './live.ts';
import { When } from './when.tsx';

const EVERY_MS = 4_000;

export function Events({ api }: { api: Api }) {
  const [isAll, setIsAll] = useState(false);
  const { answer, problem } = useLive<EventPage>(api, '/events?limit=100', EVERY_MS);
  const events = (answer?.events ?? []).filter(({ matched }) => isAll || matched.length === 0);
  return (
    <>
      <h1>Events</h1>
      <label class="filters">
        <input type="checkbox" checked={isAll} onChange={(event) => setIsAll(event.currentTarget.checked)} />{' '}
        Show also those that started a run
      </label>
      {problem && <Alert>{problem.message}</Alert>}
      {answer && events.length === 0 && (
        <p class="empty">
          {isAll
            ? 'No event was accepted yet. A refused request (a wrong signature) is in the log of the webhook.'
            : 'Every event of the newest 100 started a run.'}
        </p>
      )}
      <ul class="events" aria-label="Events, newest first">
        {events.map((event) => (
          <li key={`${event.source} ${event.eventId} ${event.receivedAt}`}>
            <EventEntry event={event} />
          </li>
        ))}
      </ul>
    </>
  );
}

function EventEntry({ event }: { event: Decision }) {
  const { source, eventId, deliveryId, type, subject, receivedAt, matched, unmatched, notes = [] } = event;
  return (
    <details>
      <summary>
        <strong>{type}</strong> of {source}
        {subject !== undefined && `, ${subject}`} <When at={receivedAt} />{' '}
        <span class="hint">{matched.length === 0 ? 'started nothing' : `started ${matched.length}`}</span>
      </summary>
      <p class="hint">
        Event <code>{deliveryId ?? eventId}</code>
      </p>
      {notes.map(({ code, message }) => (
        <p key={code} class="reason">
          {message} <code>{code}</code>
        </p>
      ))}
      {matched.length + unmatched.length === 0 && <p>No rule is on {source}.</p>}
      <ul>
        {matched.map(({ rule, runId, rejected }) => (
          <li key={runId}>
            <a href={`#/runs/${runId}`}>{rule}</a>
            {rejected !== undefined && `: rejected, ${rejected}`}
          </li>
        ))}
        {unmatched.map(({ rule, because }) => (
          <li key={rule}>
            <strong>{rule}</strong>: {because}
          </li>
        ))}
      </ul>
      {event.unmatchedOmitted !== undefined && (
        <p class="hint">and {event.unmatchedOmitted} more rules that said no</p>
      )}
    </details>
  );
}
