/** One run: what it does, why it ran, what it waits for, and what a person can do about it. */
import { Alert } from './alert.tsx';
import type { RunDetail } from './answers.ts';
import type { Api } from './api.ts';
import { Approval } from './approval.tsx';
import { useLive } from './live.ts';
import { isOpen, waitsForPerson, whyOf } from './outcome.ts';
import { RunActions } from './run-actions.tsx';
import { Status } from './status.tsx';
import { Tasks } from './tasks.tsx';
import { Timeline } from './timeline.tsx';
import { When } from './when.tsx';
import { WhyItRan } from './why-it-ran.tsx';

const OPEN_MS = 1_000;
/** An ended run changes no more. */
const ENDED_MS = 30_000;

export function RunPage({ api, runId }: { api: Api; runId: string }) {
  const {
    answer: run,
    problem,
    refresh,
  } = useLive<RunDetail>(api, `/runs/${runId}`, (known) => (isOpen(known) ? OPEN_MS : ENDED_MS));
  return (
    <article class="run">
      <p class="back">
        <a href="#/">All runs</a>
      </p>
      {problem && <Alert>{problem.message}</Alert>}
      {run && <Run run={run} api={api} onDone={refresh} />}
    </article>
  );
}

function Run({ run, api, onDone }: { run: RunDetail; api: Api; onDone: () => void }) {
  const why = whyOf(run);
  return (
    <>
      <h1>
        {run.rule} <Status of={waitsForPerson(run) ? 'waiting' : run.status} />
      </h1>
      {why && (
        <p class="reason">
          <strong>{run.reason ? 'Why' : 'It waits'}:</strong> {why.message} <code>{why.code}</code>
          {why.advice !== undefined && <span class="advice"> {why.advice}</span>}
        </p>
      )}
      <RunActions run={run} api={api} onDone={onDone} />
      {run.approval !== undefined && <Approval approval={run.approval} />}
      <Facts run={run} />
      <WhyItRan run={run} api={api} />
      <Timeline run={run} />
      <Tasks tasks={run.tasks} />
    </>
  );
}

function Facts({ run }: { run: RunDetail }) {
  const { command, provider, region, parameters, username, workingDirectory, timeoutSeconds } = run;
  return (
    <dl class="facts">
      <Fact name="Run">
        <code>{run.runId}</code>
      </Fact>
      {command !== undefined && (
        <Fact name="Command">
          <code>{command}</code> ({provider}, {region})
        </Fact>
      )}
      {Object.entries(parameters ?? {}).map(([name, value]) => (
        <Fact key={name} name={`Parameter ${name}`}>
          <code>{value}</code>
        </Fact>
      ))}
      {username !== undefined && <Fact name="User">{username}</Fact>}
      {workingDirectory !== undefined && <Fact name="Directory">{workingDirectory}</Fact>}
      {timeoutSeconds !== undefined && <Fact name="Time-out">{timeoutSeconds} s</Fact>}
      <Fact name="Instances">{run.instances.length === 0 ? 'none' : run.instances.join(', ')}</Fact>
      {run.invocationIds.length > 0 && <Fact name="Invocations">{run.invocationIds.join(', ')}</Fact>}
      <Fact name="Asked">
        <When at={run.requestedAt} />
      </Fact>
      {run.startedAt !== undefined && (
        <Fact name="Started">
          <When at={run.startedAt} />
        </Fact>
      )}
      {run.endedAt !== undefined && (
        <Fact name="Ended">
          <When at={run.endedAt} />
        </Fact>
      )}
      {run.resumes !== undefined && (
        <Fact name="Resumes">
          <a href={`#/runs/${run.resumes.runId}`}>{run.resumes.runId}</a>
        </Fact>
      )}
      {run.resumedAs !== undefined && (
        <Fact name="Resumed as">
          <a href={`#/runs/${run.resumedAs}`}>{run.resumedAs}</a>
        </Fact>
      )}
      {run.cancelledBy !== undefined && <Fact name="Cancelled by">{run.cancelledBy}</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
