/** What became of each instance, with its output as text. */
import type { CompletedTask } from './answers.ts';
import { Status } from './status.tsx';

/** Those that need a look are open from the start. */
export function Tasks({ tasks }: { tasks: readonly CompletedTask[] }) {
  if (tasks.length === 0) return null;
  return (
    <section aria-labelledby="tasks">
      <h2 id="tasks">Results</h2>
      {tasks.map((task) => (
        <Task key={task.taskId} task={task} isAlone={tasks.length === 1} />
      ))}
    </section>
  );
}

const AGAIN = {
  yes: '',
  no: 'It certainly did not start: it is safe to run it again.',
  maybe: 'It may have started: look at the machine before you run it again.',
} as const;

function Task({ task, isAlone }: { task: CompletedTask; isAlone: boolean }) {
  const {
    instanceId,
    status,
    providerStatus,
    exitCode,
    started,
    error,
    output,
    outputDroppedBytes,
    outputUrl,
  } = task;
  const isBad = status !== 'succeeded';
  return (
    <details class="task" open={isAlone || isBad}>
      <summary>
        <span class="name">{instanceId}</span> <Status of={status} />
        {exitCode !== undefined && <span> exit code {exitCode}</span>}
        <span class="hint"> {providerStatus}</span>
      </summary>
      {error !== undefined && (
        <p class="reason">
          {error.message} <code>{error.code}</code> {error.advice}
        </p>
      )}
      {AGAIN[started] !== '' && <p>{AGAIN[started]}</p>}
      {output !== undefined && output !== '' && (
        // A long output scrolls: it has to be reachable by keyboard.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus
        <section class="output" tabIndex={0} aria-label={`Output of ${instanceId}`}>
          <pre>{output}</pre>
        </section>
      )}
      {output === '' && <p class="hint">It printed nothing.</p>}
      {outputDroppedBytes > 0 && <p class="hint">{outputDroppedBytes} bytes of output were cut.</p>}
      {outputUrl !== undefined && <p class="hint">Whole output: {outputUrl}</p>}
    </details>
  );
}
