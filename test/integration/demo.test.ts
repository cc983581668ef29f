/** `npm run demo` as a stranger sees it: what it prints, that it ends well, and that nothing of it is left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What it prints without what is different each time: ids, times, and the order of what happens at the same time. */
const PRINTED = `
fleet-reflex: events in, commands on the fleet, completion events out.
1. The stack, all of it on 127.0.0.1: functions, queues, table, two clouds with their instances …
2. Events, each proved as its sender proves it, and what the door said:
✓ an alert group with two alerts, from Alertmanager: 202 restart-web-on-5xx, restart-web-on-5xx-alibaba
✓ the command \`/fleet patch web\`, from Slack: 200 Rule \`fleet-command\` started run \`run-…\`.
✓ a deployment hook, from GitHub: 202 deploy-on-deployment
✓ a CloudWatch alarm, as a message on the queue \`events\`: it is on the queue
✓ a forged alert: 401 The request does not prove who sent it.
3. The runs, as they go:
✓ … s succeeded announce-alert ins-local001
✓ … s succeeded deploy-on-deployment ins-local001, ins-local002
✓ … s succeeded fleet-command ins-local001
✓ … s succeeded restart-web-on-5xx ins-local001
✓ … s succeeded restart-web-on-5xx-alibaba i-local001
4. What came out on the queue \`completions\`:
fleet-reflex.run.started announce-alert inv-…
fleet-reflex.run.started deploy-on-deployment inv-…
fleet-reflex.run.started fleet-command inv-…
fleet-reflex.run.started restart-web-on-5xx inv-…
fleet-reflex.run.started restart-web-on-5xx-alibaba t-…
fleet-reflex.task.completed announce-alert ins-local001 succeeded, exit code 0
fleet-reflex.task.completed deploy-on-deployment ins-local001 succeeded, exit code 0
fleet-reflex.task.completed deploy-on-deployment ins-local002 succeeded, exit code 0
fleet-reflex.task.completed fleet-command ins-local001 succeeded, exit code 0
fleet-reflex.task.completed restart-web-on-5xx ins-local001 succeeded, exit code 0
fleet-reflex.task.completed restart-web-on-5xx-alibaba i-local001 succeeded, exit code 0
│ alert web-cpu-high severity unknown
│ deploy Codertocat/Hello-World at f95f852bd8fca8fcc58a9a2d6c842781e32a215e to production
│ deploy Codertocat/Hello-World at f95f852bd8fca8fcc58a9a2d6c842781e32a215e to production
│ fleet patch web asked by U2CERLKJA
│ restart:web
│ restart:web
fleet-reflex.run.completed announce-alert succeeded (1 succeeded)
fleet-reflex.run.completed deploy-on-deployment succeeded (2 succeeded)
fleet-reflex.run.completed fleet-command succeeded (1 succeeded)
fleet-reflex.run.completed restart-web-on-5xx succeeded (1 succeeded)
fleet-reflex.run.completed restart-web-on-5xx-alibaba succeeded (1 succeeded)
5. 5 runs, 6 commands really run on 3 instances of two clouds, 16 completion events, in … s; the forged alert started nothing.
Everything is stopped. Next: \`npm start\`, then README.md, "Your first rule".
`;

test('the demo shows the main job on real input, and leaves nothing behind', {
  timeout: 90_000,
}, async () => {
  const { code, lines, folder, workFolders } = await start('local/demo.ts', {
    // It is about the project's own rules and fleet, whatever a person has set.
    RULES_FILE: '/nowhere/rules.yml',
    FLEET_FILE: '/nowhere/fleet.yml',
  });

  expect(lines.map(withoutChance).filter(isNoInterimState).toSorted()).toEqual(
    PRINTED.split('\n').filter(Boolean).toSorted(),
  );
  expect(lines.filter((line) => /^\d\. /.test(line)).map((line) => line[0])).toEqual([...'12345']);
  expect(code).toBe(0);
  expect(workFolders.filter((name) => existsSync(join(ROOT, name)))).toEqual([]);
  expect(remainsOf(folder)).toEqual({ processes: [], files: [] });
});

test('npm start refuses a rules file with mistakes before it starts anything', async () => {
  const broken = join(mkdtempSync(join(tmpdir(), 'broken-rules-')), 'rules.yml');
  onTestFinished(() => rmSync(join(broken, '..'), { recursive: true }));
  writeFileSync(
    broken,
    'version: 1\nrules:\n  - { name: a, on: githb, cancel: { rule: b } }\n  - { name: b, on: sns, runn: {} }\n',
  );
  const startedAt = performance.now();
  const { code, lines, folder, workFolders } = await start('local/up.ts', { RULES_FILE: broken });

  expect(lines).toEqual([
    'fleet-reflex: starting the stack on this machine …',
    'fleet-reflex cannot start:',
    ...[
      '3:20: rules[0].on: there is no source `githb`; did you mean `github`?',
      '3:43: rules[0].cancel.rule: `b` runs nothing that could be cancelled; name a rule with `run` or `schedule`',
      '4:5: rules[1]: expected exactly one of run, cancel, schedule, came none',
      '4:25: rules[1]: there is no `runn` here; did you mean `run`?',
    ].map((problem) => `${broken}:${problem}`),
  ]);
  expect(code).toBe(1);
  expect(workFolders).toEqual([]);
  expect(remainsOf(folder)).toEqual({ processes: [], files: [] });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

/** Runs it to its end, on free ports, with a temporary folder of its own: what it starts has that in its environment. */
async function start(program: string, more: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const ports = ['HTTP', 'LAMBDA', 'SQS', 'DYNAMODB', 'TAT', 'CLOUD_ASSISTANT'];
  const child = spawn(process.execPath, [program], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...Object.fromEntries(ports.map((name) => [`${name}_PORT`, '0'])),
      TMPDIR: folder,
      ...more,
    },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let text = '';
  const workFolders = new Set<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      for (const { environ } of processesOf(folder)) {
        const name = /\0ESBUILD_WORK_FOLDER=([^\0]+)/.exec(`\0${environ}`)?.[1];
        if (name !== undefined) workFolders.add(name);
      }
    });
  }
  await once(child, 'close');
  if (program.endsWith('demo.ts') && process.platform === 'linux') {
    expect(workFolders.size, 'folders in which functions were built').toBe(1);
  }
  return {
    code: child.exitCode,
    lines: text.split('\n').filter((line) => line !== ''),
    folder,
    workFolders: [...workFolders],
  };
}

function remainsOf(folder: string) {
  return { processes: processesOf(folder).map(({ command }) => command), files: readdirSync(folder) };
}

/** Processes that have the folder in their environment; only Linux tells. */
function processesOf(folder: string): { command: string; environ: string }[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (!environ.includes(folder)) return [];
      return [{ command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '), environ }];
    } catch {
      return []; // it has ended, or is somebody else's
    }
  });
}

function withoutChance(line: string): string {
  return line
    .trim()
    .replaceAll(/ +/g, ' ')
    .replaceAll(/\b(run|inv|t)-[a-z0-9]{6,}/g, '$1-…')
    .replaceAll(/\b\d+\.\d s\b/g, '… s');
}

/** A run is shown at each of its states, and which of them are seen is chance. */
function isNoInterimState(line: string): boolean {
  return !line.startsWith('… … s ');
}
