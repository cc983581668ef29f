/** The progress of the runs: on a terminal one updated line for each run, otherwise a line for each change. */
import type { WriteStream } from 'node:tty';
import * as z from 'zod';
import type { Stack } from '../stack/start.ts';

const Run = z.looseObject({
  runId: z.string(),
  rule: z.string(),
  status: z.string(),
  provider: z.string().optional(),
  instances: z.array(z.string()),
  requestedAt: z.string(),
  endedAt: z.string().optional(),
  reason: z.looseObject({ message: z.string() }).optional(),
});
export type DemoRun = z.infer<typeof Run>;

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Oldest first. */
export async function readRuns(stack: Stack): Promise<DemoRun[]> {
  const answer = await fetch(`${stack.httpUrl}/runs?limit=100`, {
    headers: { authorization: `Bearer ${stack.runsToken}` },
  });
  const { runs } = z.looseObject({ runs: z.array(Run) }).parse(await answer.json());
  return runs.toSorted((a, b) => (a.requestedAt < b.requestedAt ? -1 : 1));
}

export function startList(out: WriteStream | NodeJS.WriteStream, startedAt: number) {
  const shown = new Map<string, string>();
  let drawn = 0;
  let frame = 0;
  const line = (run: DemoRun, mark: string) =>
    `  ${mark} ${`${((Date.now() - startedAt) / 1000).toFixed(1)} s`.padStart(6)}  ${run.status.padEnd(12)} ${run.rule.padEnd(28)} ${run.instances.join(', ')}${run.reason ? `: ${run.reason.message}` : ''}`;
  return {
    show(runs: readonly DemoRun[]): void {
      frame += 1;
      if (out.isTTY !== true) {
        for (const run of runs) {
          if (shown.get(run.runId) === run.status) continue;
          shown.set(run.runId, run.status);
          out.write(`${line(run, markOf(run, '…'))}\n`);
        }
        return;
      }
      if (drawn > 0) out.write(`\x1b[${drawn}A`);
      for (const run of runs) {
        if (run.endedAt === undefined || !shown.has(run.runId)) {
          shown.set(run.runId, line(run, markOf(run, SPINNER[frame % SPINNER.length] ?? '…')));
        } else if (!shown.get(run.runId)?.includes(run.status)) {
          shown.set(run.runId, line(run, markOf(run, '')));
        }
        out.write(`\x1b[2K${shown.get(run.runId)?.slice(0, out.columns - 1)}\n`);
      }
      drawn = runs.length;
    },
  };
}

function markOf(run: DemoRun, running: string): string {
  if (run.endedAt === undefined) return running;
  return run.status === 'succeeded' ? '✓' : '✗';
}
