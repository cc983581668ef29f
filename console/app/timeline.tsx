/** When each instance ran, by wave: a bar from its start to its end, beside the same in words. */
import type { CompletedTask, RunDetail } from './answers.ts';
import { Status } from './status.tsx';
import { span, useNow } from './when.tsx';

interface Lane {
  instanceId: string;
  task?: CompletedTask;
}

export function Timeline({ run }: { run: RunDetail }) {
  const now = useNow();
  const from = Date.parse(run.startedAt ?? run.requestedAt);
  const to = Math.max(from + 1_000, run.endedAt === undefined ? now : Date.parse(run.endedAt));
  const tasks = new Map(run.tasks.map((task) => [task.instanceId, task]));
  const lanesOf = (instances: readonly string[]): Lane[] =>
    instances.map((instanceId) => ({ instanceId, task: tasks.get(instanceId) }) as Lane);
  const waves = run.waves ?? [{ index: 0, instances: run.instances, state: run.status }];
  if (run.instances.length === 0) return null;
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      {waves.map(({ index, instances, state }) => (
        <div class="wave" key={index}>
          {run.waves !== undefined && (
            <h3>
              Wave {index + 1} of {waves.length} <Status of={state} />
            </h3>
          )}
          <ul
            class="lanes"
            aria-label={run.waves === undefined ? 'Instances' : `Instances of wave ${index + 1}`}
          >
            {lanesOf(instances).map(({ instanceId, task }) => (
              <li key={instanceId}>
                <span class="name">{instanceId}</span>
                <span class="track" aria-hidden="true">
                  <Bar task={task} from={from} to={to} now={now} />
                </span>
                <span class="result">
                  <Status of={task?.status ?? (run.endedAt === undefined ? 'queued' : 'planned')} />{' '}
                  {tookText(task, now)}
                </span>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Bar({
  task,
  from,
  to,
  now,
}: {
  task: CompletedTask | undefined;
  from: number;
  to: number;
  now: number;
}) {
  if (task?.startedAt === undefined) return null;
  const share = (time: number): number => Math.min(100, Math.max(0, ((time - from) / (to - from)) * 100));
  const start = share(Date.parse(task.startedAt));
  const end = share(task.endedAt === undefined ? now : Date.parse(task.endedAt));
  return (
    <span
      class={`bar ${task.status}`}
      style={{ marginLeft: `${start}%`, width: `${Math.max(1, end - start)}%` }}
    />
  );
}

function tookText(task: CompletedTask | undefined, now: number): string {
  if (task?.startedAt === undefined) return '';
  return span((task.endedAt === undefined ? now : Date.parse(task.endedAt)) - Date.parse(task.startedAt));
}
