/** `npm start` as a process: when it is ready, beside another, and what is left of it however it ends. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { functionsProcess, ready, type Started, startUp, until } from '../fixtures/up.ts';
import { anAlert, bearer, bySlack, completionsOf, post, runsOf, theRunOf } from './local-stack-client.ts';

const nothing = { processes: [], files: [] };
const isGone = (up: Started) => up.remains().processes.length + up.remains().files.length === 0;

describe.skipIf(process.platform !== 'linux')('npm start', () => {
  it('runs beside another, and at Ctrl-C leaves nothing of its own', { timeout: 180_000 }, async () => {
    const [one, other] = [startUp(), startUp()];
    await Promise.all([ready(one), ready(other)]);
    const sent = await post(
      one.place(),
      '/hooks/alertmanager',
      anAlert('OnlyHere'),
      bearer('local-alertmanager-secret'),
    );
    const completions = completionsOf(one.place());
    onTestFinished(() => completions.close());
    const { data } = await completions.runCompleted(theRunOf(sent));
    expect(data.tasks.map(({ output }) => output)).toEqual(['alert OnlyHere severity unknown\n']);
    expect(await runsOf(other.place())).toEqual([]);
    // The functions' decisions are readable lines.
    await until(
      () => one.lines.some((line) => /announce-alert: run-/.test(line)),
      () => one.lines,
    );

    one.child.kill('SIGINT');
    expect(await one.ended).toBe(0);
    expect(one.remains()).toEqual(nothing);
    // The other goes on.
    expect(await runsOf(other.place())).toEqual([]);
    other.child.kill('SIGTERM');
    expect(await other.ended).toBe(0);
    expect(other.remains()).toEqual(nothing);
  });

  it('ends all that it started when it is killed, a running command too', { timeout: 180_000 }, async () => {
    const up = startUp();
    await ready(up);
    const form = 'command=%2Ffleet&text=sleep+600&user_id=U1&user_name=ada&trigger_id=t-1';
    await post(up.place(), '/hooks/slack', form, bySlack(form, 'local-slack-secret', new Date()));
    await until(
      () => up.remains().processes.some((line) => line.startsWith('sleep 600')),
      () => [up.remains(), up.lines],
    );
    up.child.kill('SIGKILL');
    await until(
      () => isGone(up),
      () => up.remains(),
    );
    expect(up.remains()).toEqual(nothing);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'stops when npm, which started it, is ended by %s',
    { timeout: 120_000 },
    async (signal) => {
      const up = startUp({}, ['npm', 'start']);
      await ready(up);
      up.child.kill(signal);
      await until(
        () => isGone(up),
        () => up.remains(),
      );
      expect(up.remains()).toEqual(nothing);
    },
  );

  it('ends with the error of the functions when they cannot be started again', {
    timeout: 120_000,
  }, async () => {
    const up = startUp();
    await ready(up);
    // Somebody else takes its port in the moment in which it is free.
    const port = Number(new URL(up.place().httpUrl).port);
    process.kill(functionsProcess(up.child.pid) ?? 0, 'SIGKILL');
    const thief = createServer();
    onTestFinished(() => {
      thief.close();
    });
    await until(
      () => {
        if (!thief.listening) thief.on('error', () => {}).listen(port, '127.0.0.1');
        return thief.listening || up.child.exitCode !== null;
      },
      () => up.lines,
    );
    expect(await up.ended).toBe(1);
    const said = up.lines.join('\n');
    expect(said).toContain('fleet-reflex: The functions ended by SIGKILL; they are started again.');
    expect(said).toMatch(/could not be started 5 times in a row, so the stack ends\..*EADDRINUSE/s);
    expect(up.remains()).toEqual(nothing);
  });

  it('stops while it is starting', { timeout: 120_000 }, async () => {
    const up = startUp();
    await until(
      () => up.remains().processes.some((line) => line.includes('offline')),
      () => up.remains(),
    );
    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expect(up.lines).not.toContain('fleet-reflex is ready');
    expect(up.remains()).toEqual(nothing);
  });

  it('gives a command nothing of the environment of who started it, nor lets it find that', {
    timeout: 120_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spy-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 'canary-aws',
      AWS_PROFILE: 'canary-profile',
      TENCENTCLOUD_SECRET_KEY: 'canary-tencent',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'canary-alibaba',
      GITHUB_TOKEN: 'canary-github',
      NPM_TOKEN: 'canary-npm',
      SSH_AUTH_SOCK: '/canary-agent',
      // A setting of the stack: the functions have it, and commands do not.
      GENERIC_SECRET: `canary-${randomUUID()}`,
    };
    // Its own, of every process above it up to this test, and of all that the stack has started.
    const spy = [
      'env',
      'pid=$$',
      `while [ "$pid" != ${process.pid} ] && [ "$pid" -gt 1 ]; do`,
      '  cat /proc/$pid/environ /proc/$pid/cmdline /proc/$pid/fd/0',
      '  pid=$(sed -n "s/^PPid:[[:space:]]*//p" /proc/$pid/status)',
      'done 2>/dev/null',
      'for one in $(grep -ls "$FLEET_INSTANCE_ID\\|SOCKET_FOLDER=" /proc/[0-9]*/environ); do cat "$one"; done',
    ].join('\n');
    writeFileSync(
      join(folder, 'fleet.yml'),
      JSON.stringify({
        version: 1,
        instances: [{ id: 'ins-local001' }],
        // Only what is asked about below: other stacks on this machine would fill the 24 KB of an output.
        commands: [
          {
            id: 'cmd-spy00001',
            name: 'spy',
            content: `(${spy}) | tr '\\0' '\\n' | grep -a 'canar[y]\\|^FLEET_\\|^SOCKET_' | sort -u`,
          },
        ],
      }),
    );
    writeFileSync(
      join(folder, 'rules.yml'),
      `version: 1
providers: { tencent: { region: ap-guangzhou } }
destinations: { completions: { sqs: completions } }
rules:
  - { name: spy, on: generic, run: { provider: tencent, command: cmd-spy00001, instances: [ins-local001] }, notify: [completions] }
`,
    );
    const files = { FLEET_FILE: join(folder, 'fleet.yml'), RULES_FILE: join(folder, 'rules.yml') };
    const up = startUp({ ...secrets, ...files });
    // What builds the functions is a process too, and gone when all is ready: another stack's command could read it.
    const builders = new Set<string>();
    const looking = setInterval(() => {
      for (const environ of environments()) {
        if (environ.includes('SOCKET_FOLDER=') && environ.includes(secrets.GENERIC_SECRET))
          builders.add(environ);
      }
    }, 50);
    await ready(up).finally(() => clearInterval(looking));
    expect([...builders]).toEqual([]);
    const sent = await post(up.place(), '/hooks/generic', '{}', bearer(secrets.GENERIC_SECRET));
    const completions = completionsOf(up.place());
    onTestFinished(() => completions.close());
    const { data } = await completions.runCompleted(theRunOf(sent));
    const lines = data.tasks
      .map(({ output }) => output ?? '')
      .join('')
      .split('\n');
    // It did look at itself, at the stack above it, and at the functions.
    expect(lines).toEqual(
      expect.arrayContaining([
        'FLEET_INSTANCE_ID=ins-local001',
        'FLEET_REFLEX_STARTED_CLEAN=yes',
        expect.stringMatching(/^SOCKET_FOLDER=/),
      ]),
    );
    expect(lines.filter((line) => line.includes('canary'))).toEqual([]);
  });

  it('names a port that is taken, its variable, and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const up = startUp({ SQS_PORT: String(port) });
    expect(await up.ended).toBe(1);
    expect(up.lines.at(-1)).toBe(
      `Port ${port} for SQS cannot be used on 127.0.0.1 (EADDRINUSE). Stop what has it, or name another: SQS_PORT=<port>, 0 for any free one.`,
    );
    expect(up.remains()).toEqual(nothing);
  });
});

/** Of every process on this machine that lets itself be read. */
function environments(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      return [readFileSync(`/proc/${pid}/environ`, 'utf8')];
    } catch {
      // It has ended, or is somebody else's.
      return [];
    }
  });
}
