/** The list of runs: what waits for a person first, the others newest first. */
import { useState } from 'preact/hooks';
import { Alert } from './alert.tsx';
import type { RunPage, RunSummary } from './answers.ts';
import type { Api } from './api.ts';
import { useLive } from './live.ts';
import { instancesText, isOpen, waitsForPerson, whyOf } from './outcome.ts';
import { Status } from './status.tsx';
import { When } from './when.tsx';

const EVERY_MS = 2_000;
const WAITING_EVERY_MS = 15_000;
const PAGE = 50;

const SINCE = {
  any: undefined,
  'last hour': 3_600_000,
  'last day': 86_400_000,
  'last week': 604_800_000,
} as const;
type Since = keyof typeof SINCE;
const STATUSES = [
  'succeeded',
  'failed',
  'partly_failed',
  'timed_out',
  'rejected',
  'expired',
  'stopped',
  'partly_stopped',
  'unknown',
  'dispatching',
  'pending',
  'running',
  'scheduled',
];

export function Runs({ api }: { api: Api }) {
  const [filter, setFilter] = useState<Filter>({});
  const [today] = useState(() => new Date(Date.now() - SINCE['last day']).toISOString());
  const { answer, problem } = useLive<RunPage>(api, `/runs?limit=${PAGE}${queryOf(filter)}`, EVERY_MS);
  // One that has waited for hours is not among the newest.
  const open = useLive<RunPage>(api, `/runs?limit=100&status=dispatching&since=${today}`, WAITING_EVERY_MS);
  const runs = (answer?.runs ?? []).filter((run) => isMeant(run, filter));
  const waiting = distinct([...runs, ...(open.answer?.runs ?? [])]).filter(waitsForPerson);
  const others = runs.filter((run) => !waitsForPerson(run));
  return (
    <>
      <h1>Runs</h1>
      <Filters filter={filter} onChange={setFilter} />
      {problem && <Alert>{problem.message}</Alert>}
      {waiting.length > 0 && (
        <section class="waiting" aria-labelledby="waiting">
          <h2 id="waiting">Waiting for a person ({waiting.length})</h2>
          <RunList runs={waiting} label="Waiting for a person" />
        </section>
      )}
      {answer && runs.length === 0 && <p class="empty">{emptyText(filter)}</p>}
      <RunList runs={others} label="Runs, newest first" />
      {answer?.cursor !== undefined && (
        <p class="hint">
          The newest {PAGE}. Narrow the filters, or use npx fleet-reflex runs, for older ones.
        </p>
      )}
    </>
  );
}

interface Filter {
  rule?: string;
  status?: string;
  source?: string;
  by?: string;
  since?: Since;
}

/** The API filters; the source it does not know, and scheduled runs have no time. */
function queryOf({ rule, status, by, since = 'any' }: Filter): string {
  const withinMs = status === 'scheduled' ? undefined : SINCE[since];
  // Whole minutes, so that the question stays the same from one time to the next.
  const from = withinMs && new Date(Math.floor((Date.now() - withinMs) / 60_000) * 60_000).toISOString();
  const query = new URLSearchParams({
    ...(rule && { rule }),
    ...(status && { status }),
    ...(by && status !== 'scheduled' && { by }),
    ...(from && { since: from }),
  }).toString();
  return query === '' ? '' : `&${query}`;
}

function isMeant(run: RunSummary, { source }: Filter): boolean {
  return !source || run.trigger.source.includes(source);
}

function distinct(runs: readonly RunSummary[]): RunSummary[] {
  return [...new Map(runs.map((run) => [run.runId, run])).values()];
}

function emptyText(filter: Filter): string {
  const isFiltered = Object.values(filter).some((value) => value !== undefined && value !== '');
  return isFiltered
    ? 'No run of the newest passes these filters.'
    : 'No runs yet. An event that matches a rule starts one; Events shows what came and why it started nothing.';
}

function Filters({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const set = (name: keyof Filter) => (event: { currentTarget: { value: string } }) =>
    onChange({ ...filter, [name]: event.currentTarget.value || undefined });
  return (
    <form class="filters" aria-label="Filter runs" onSubmit={(event) => event.preventDefault()}>
      <label>
        Rule <input type="search" value={filter.rule ?? ''} onChange={set('rule')} />
      </label>
      <label>
        Status{' '}
        <select value={filter.status ?? ''} onChange={set('status')}>
          <option value="">any</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {status.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </label>
      <label>
        Source <input type="search" value={filter.source ?? ''} onInput={set('source')} />
      </label>
      <label>
        By <input type="search" value={filter.by ?? ''} onChange={set('by')} />
      </label>
      <label>
        Time{' '}
        <select value={filter.since ?? 'any'} onChange={set('since')}>
          {Object.keys(SINCE).map((since) => (
            <option key={since}>{since}</option>
          ))}
        </select>
      </label>
    </form>
  );
}

/** One line for each; the link's name begins with the rule. */
export function RunList({ runs, label }: { runs: readonly RunSummary[]; label: string }) {
  if (runs.length === 0) return null;
  return (
    <ul class="runs" aria-label={label}>
      {runs.map((run) => (
        <RunLine key={run.runId} run={run} />
      ))}
    </ul>
  );
}

function RunLine({ run }: { run: RunSummary }) {
  const why = whyOf(run);
  return (
    <li class={isOpen(run) ? 'open' : ''}>
      <Status of={waitsForPerson(run) ? 'waiting' : run.status} />
      <a href={`#/runs/${run.runId}`}>
        {run.rule}
        {run.instances.length > 0 && <span class="where"> on {instancesText(run.instances)}</span>}
      </a>
      <span class="facts">
        {run.trigger.type} of {run.trigger.source}
        {run.trigger.subject !== undefined && `, ${run.trigger.subject}`}
        {run.trigger.actor !== undefined && `, by ${run.trigger.actor.name ?? run.trigger.actor.id}`}
        {run.wave && ` · wave ${run.wave.number} of ${run.wave.of}`}
      </span>
      <When at={run.requestedAt} />
      {why && <span class="why">{why.message}</span>}
    </li>
  );
}
