/** Commands really run on local instances, with the habits of the vendors' agents. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFleetEngine } from '../../../../local/fleet/engine.ts';
import { parseFleet } from '../../../../local/fleet/fleet-file.ts';
import { TAT_OUTPUT } from '../../../../local/fleet/output.ts';
import type { TaskRequest } from '../../../../local/fleet/task.ts';

const engine = createFleetEngine(
  parseFleet('version: 1\ninstances: [{ id: ins-local001 }, { id: i-local001 }]'),
);
afterAll(() => engine.stop());

const aTask = (more: Partial<TaskRequest> = {}): TaskRequest => ({
  instanceId: 'ins-local001',
  script: 'true',
  interpreter: 'bash',
  timeoutSeconds: 20,
  output: TAT_OUTPUT,
  killScope: 'group',
  ...more,
});

const run = async (more: Partial<TaskRequest>) => {
  const { output, startedAt, endedAt, ...end } = await engine.startTask(aTask(more)).finished;
  return { ...end, output: output.toString(), hasStarted: startedAt !== undefined };
};

const exited = { outcome: 'exited', exitCode: 0, output: '', dropped: 0, errorInfo: '', hasStarted: true };
const refused = { ...exited, outcome: 'start_failed', exitCode: -1, hasStarted: false };
const home = engine.directoryOf('ins-local001');

describe('a command on a local instance', () => {
  it.each([
    ['its output and exit code', 'echo hello; exit 7', { exitCode: 7, output: 'hello\n' }],
    [
      'stderr among stdout, in order',
      'echo a; echo b >&2; echo c; echo d > /dev/stderr',
      { output: 'a\nb\nc\nd\n' },
    ],
    ['nothing on stdin', 'cat; echo read', { output: 'read\n' }],
    ['its directory', 'pwd; cd ~; pwd', { output: `${home}\n${home}\n` }],
    ['bash, though a shebang says otherwise', '#!/bin/false\necho "$BASH" | grep -c bash', { output: '1\n' }],
    ['a signal that was not ours', 'kill -TERM $$', { exitCode: -1, signal: 'SIGTERM' }],
    ['no output but its own', 'true', {}],
  ])('reports %s', async (_name, script, expected) => {
    expect(await run({ script })).toEqual({ ...exited, ...expected });
  });

  it('sees a small environment, and none of the developer', async () => {
    const { output } = await run({ script: 'env | cut -d= -f1 | sort', env: { MINE: '1' } });
    expect(output.split('\n').filter((name) => !['_', 'PWD', 'SHLVL', 'OLDPWD', ''].includes(name))).toEqual([
      'FLEET_ENGINE',
      'FLEET_INSTANCE_ID',
      'HOME',
      'LOGNAME',
      'MINE',
      'PATH',
      'SHELL',
      'TERM',
      'USER',
    ]);
  });

  it('sources no profile of the instance', async () => {
    for (const name of ['.bashrc', '.bash_profile', '.profile'])
      writeFileSync(join(home, name), 'echo sourced');
    expect((await run({ script: 'echo only this' })).output).toBe('only this\n');
  });

  it('honours a shebang where the interpreter says so', async () => {
    const script = '#!/usr/bin/env -S sed -n 2p\nthe second line\n';
    expect(await run({ script, interpreter: 'shebang' })).toEqual({ ...exited, output: 'the second line\n' });
    expect((await run({ script: 'echo no shebang', interpreter: 'shebang' })).output).toBe('no shebang\n');
  });

  it('runs in the directory that is asked for, and takes /root for its own', async () => {
    const directory = join(home, 'work');
    mkdirSync(directory);
    expect((await run({ script: 'pwd', workingDirectory: directory })).output).toBe(`${directory}\n`);
    expect((await run({ script: 'pwd', workingDirectory: '/root/' })).output).toBe(`${home}\n`);
  });

  it.each([
    [
      'a directory that is not there',
      { workingDirectory: '/no/such/place' },
      'InvalidWorkingDirectory: working_directory `/no/such/place` not exists',
    ],
    ['a user that is not there', { username: 'no-such-user' }, 'InvalidUser: user `no-such-user` not exists'],
    ['a user by number', { username: '0' }, 'InvalidUser: user `0` not exists'],
  ])('does not start for %s', async (_name, more, errorInfo) => {
    expect(await run(more)).toEqual({ ...refused, errorInfo });
  });

  it('runs as the current user when it is named, or when the default root is wanted', async () => {
    const current = userInfo().username;
    expect((await run({ script: 'id -un', username: current })).output).toBe(`${current}\n`);
    expect((await run({ script: 'id -un', username: 'root' })).output).toBe(`${current}\n`);
  });

  it('runs as another user only where this process may become it', async () => {
    const other = userInfo().username === 'nobody' ? 'daemon' : 'nobody';
    const end = await run({ script: 'id -un; touch ~/mine && echo at home', username: other });
    const isRoot = userInfo().uid === 0;
    expect(end).toEqual(
      isRoot
        ? { ...exited, output: `${other}\nat home\n` }
        : { ...refused, errorInfo: expect.stringContaining('TaskSpawnFailed: ') },
    );
  });

  it('has a directory and a script that no other user of this machine may read', async () => {
    const mode = async (of: string) => (await run({ script: `stat -c %a "${of}"` })).output.trim();
    expect([await mode('$HOME'), await mode('$0'), await mode('$HOME/..')]).toEqual(['700', '700', '711']);
    if (userInfo().uid !== 0) return;
    const end = await run({ script: 'stat -c "%a %U" ~ "$0"', username: 'nobody' });
    expect(end.output).toBe('700 nobody\n700 nobody\n');
    expect((await run({ script: `ls "${home}"`, username: 'nobody' })).exitCode).not.toBe(0);
  });

  it('keeps the first 24 KB and counts the rest', async () => {
    const end = await run({ script: 'head -c 30000 /dev/zero | tr "\\0" x' });
    expect(end).toEqual({ ...exited, output: 'x'.repeat(24_576), dropped: 5424 });
  });

  it('shows its output before it ends', async () => {
    const task = engine.startTask(aTask({ script: 'echo early; sleep 100' }));
    const endsAt = performance.now() + 5000;
    while (task.output().bytes.length === 0 && performance.now() < endsAt) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(task.output().bytes.toString()).toBe('early\n');
    expect(task.kill()).toBe(true);
    expect(await task.finished).toMatchObject({ outcome: 'killed', exitCode: -1, signal: 'SIGKILL' });
    expect(task.kill()).toBe(false);
  });

  it('never starts when it is killed at once', async () => {
    const task = engine.startTask(aTask({ script: 'touch ~/started' }));
    expect(task.kill()).toBe(true);
    expect([await task.started, (await task.finished).outcome]).toEqual([false, 'killed']);
    expect(readdirSync(home)).not.toContain('started');
  });

  it('ends at its time-out', async () => {
    expect(await run({ script: 'echo before; sleep 100', timeoutSeconds: 0.2 })).toEqual({
      ...exited,
      outcome: 'timed_out',
      exitCode: -1,
      output: 'before\n',
      signal: 'SIGKILL',
    });
  });

  it('is not waited for by its background children longer than the agent does', async () => {
    const before = performance.now();
    const end = await run({
      script: '(sleep 0.05; echo soon; sleep 100; echo late) & echo now',
      drainMs: 400,
    });
    expect(end.output).toBe('now\nsoon\n');
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it('leaves no script behind', async () => {
    await run({});
    expect(readdirSync(join(home, '..', 'scripts'))).toEqual([]);
  });
});
