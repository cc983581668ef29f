/** Kills reach what the agents' kills reach, and a stopped engine leaves nothing on the machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { createFleetEngine, type FleetEngine } from '../../../../local/fleet/engine.ts';
import { parseFleet } from '../../../../local/fleet/fleet-file.ts';
import { CLOUD_ASSISTANT_OUTPUT, TAT_OUTPUT } from '../../../../local/fleet/output.ts';
import type { TaskRequest } from '../../../../local/fleet/task.ts';

const anEngine = (): FleetEngine => {
  const engine = createFleetEngine(parseFleet('version: 1\ninstances: [{ id: ins-local001 }]'));
  onTestFinished(() => engine.stop());
  return engine;
};

const aTask = (more: Partial<TaskRequest>): TaskRequest => ({
  instanceId: 'ins-local001',
  script: 'true',
  interpreter: 'bash',
  timeoutSeconds: 60,
  output: TAT_OUTPUT,
  killScope: 'group',
  drainMs: 100,
  ...more,
});

/** Reads a process id that a script writes to its directory, once it is there. */
const pidFrom = async (engine: FleetEngine, name: string): Promise<number> => {
  const file = join(engine.directoryOf('ins-local001'), name);
  return until(
    () => Number(existsSync(file) ? readFileSync(file, 'utf8') : ''),
    (pid) => pid > 0,
  );
};

/** A zombie, which nobody has buried yet, is dead. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
};

async function until<Value>(look: () => Value, isSo: (value: Value) => boolean): Promise<Value> {
  const endsAt = performance.now() + 5000;
  for (;;) {
    const value = look();
    if (isSo(value)) return value;
    if (performance.now() > endsAt) throw new Error(`still not so: ${String(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const WITH_GRANDCHILD = 'bash -c "echo \\$\\$ > ~/pid; sleep 100; true" & wait';

describe('a kill', () => {
  it.each([
    ['a time-out', 0.3, 'timed_out'],
    ['a cancel', 60, 'killed'],
  ])('by %s reaches the whole process group', async (_name, timeoutSeconds, outcome) => {
    const engine = anEngine();
    const task = engine.startTask(aTask({ script: WITH_GRANDCHILD, timeoutSeconds }));
    const grandchild = await pidFrom(engine, 'pid');
    expect(isAlive(grandchild)).toBe(true);
    if (outcome === 'killed') task.kill();
    expect((await task.finished).outcome).toBe(outcome);
    await until(
      () => isAlive(grandchild),
      (alive) => !alive,
    );
  });

  it('of the shell alone leaves its children, as the agent of Cloud Assistant does', async () => {
    const engine = anEngine();
    const task = engine.startTask(
      aTask({ script: WITH_GRANDCHILD, killScope: 'process', output: CLOUD_ASSISTANT_OUTPUT }),
    );
    const grandchild = await pidFrom(engine, 'pid');
    task.kill();
    expect((await task.finished).outcome).toBe('killed');
    expect(isAlive(grandchild)).toBe(true);
  });
});

describe('a stopped engine', () => {
  it.each([
    ['that runs', 'echo $$ > ~/pid; sleep 100; true'],
    ['in the background of a shell that has ended', '(echo $BASHPID > ~/pid; sleep 100; true) &'],
  ])('has killed a command %s, and removed its directories', async (_name, script) => {
    const engine = anEngine();
    const task = engine.startTask(aTask({ script }));
    const pid = await pidFrom(engine, 'pid');
    await engine.stop();
    await task.finished;
    await until(
      () => isAlive(pid),
      (alive) => !alive,
    );
    expect([existsSync(engine.directoryOf('ins-local001')), engine.runningCount]).toEqual([false, 0]);
  });

  it.runIf(process.platform === 'linux')('has found what left its process group', async () => {
    const engine = anEngine();
    const task = engine.startTask(
      aTask({ script: 'setsid bash -c "echo \\$\\$ > ~/pid; sleep 100; true" &' }),
    );
    const pid = await pidFrom(engine, 'pid');
    await task.finished;
    expect(isAlive(pid)).toBe(true);
    await engine.stop();
    await until(
      () => isAlive(pid),
      (alive) => !alive,
    );
  });

  it('that was never asked to stop leaves nothing either, though its process is killed', async () => {
    const source = (file: string): string =>
      JSON.stringify(new URL(`../../../../local/fleet/${file}`, import.meta.url).href);
    const script = `
      import { createFleetEngine } from ${source('engine.ts')};
      import { parseFleet } from ${source('fleet-file.ts')};
      const engine = createFleetEngine(parseFleet('version: 1\\ninstances: [{ id: ins-local001 }]'));
      const output = { keep: 'head', capacity: 10 };
      const script = 'echo $$; sleep 100; true';
      const more = { interpreter: 'bash', timeoutSeconds: 60, output, killScope: 'group' };
      const task = engine.startTask({ instanceId: 'ins-local001', script, ...more });
      while (task.output().bytes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      console.log(JSON.stringify({ pid: Number(task.output().bytes), home: engine.directoryOf('ins-local001') }));
    `;
    const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(server.stdout, 'data');
    const { pid, home } = z.object({ pid: z.number(), home: z.string() }).parse(JSON.parse(String(said)));
    expect([isAlive(pid), existsSync(home)]).toEqual([true, true]);
    server.kill('SIGKILL');
    await until(
      () => [isAlive(pid), existsSync(home)],
      (present) => !present.includes(true),
    );
  });

  it('runs nothing any more, and may be stopped again', async () => {
    const engine = anEngine();
    await engine.stop();
    expect(() => engine.startTask(aTask({}))).toThrowError(
      expect.objectContaining({ code: 'fleet.stopped' }),
    );
    await engine.stop();
  });
});

describe('an instance', () => {
  it('changes its state for a rehearsal', () => {
    const engine = anEngine();
    engine.change('ins-local001', { agent: 'offline' });
    expect(engine.instances.get('ins-local001')?.agent).toBe('offline');
  });

  it('has to be of the fleet', () => {
    const engine = anEngine();
    expect(() => engine.startTask(aTask({ instanceId: 'ins-other' }))).toThrowError(
      expect.objectContaining({ code: 'fleet.unknown-instance' }),
    );
  });
});
