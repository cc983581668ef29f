/**
 * `npm start` whose functions' process is killed again and again while events come in: what the commands themselves wrote
 * is compared with the completion events.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import { functionsProcess, ready, type Started, startUp, until } from '../fixtures/up.ts';
import { bearer, completionsOf } from './local-stack-client.ts';

const EVENTS = 12;
const KILLS = 3;
/** A dispatch that was killed is taken over after its lease of 70 s, and the search for its invocation takes 10 s. */
const DEADLINE_MS = 240_000;

const command = (file: string) => `sleep 0.3; echo {{token}} >> ${file}`;
const rules = `version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
destinations: { completions: { sqs: completions } }
rules:
  - { name: on-tencent, on: generic, when: event.data.body.cloud == 'tencent', run: { provider: tencent, command: cmd-write001, instances: [ins-kill0001], parameters: { token: '\${event.data.body.token}' }, timeout: 30s }, notify: [completions] }
  - { name: on-alibaba, on: generic, when: event.data.body.cloud == 'alibaba', run: { provider: alibaba, command: c-write001, instances: [i-kill0001], parameters: { token: '\${event.data.body.token}' }, timeout: 30s }, notify: [completions] }
`;

/** As a sender that wants its event to be heard: again, until it is accepted. */
async function deliver(up: Started, body: unknown): Promise<void> {
  let isAccepted = false;
  await until(
    () => isAccepted,
    () => up.lines,
    {
      deadlineMs: DEADLINE_MS,
      async meanwhile() {
        const answer = await fetch(`${up.place().httpUrl}/hooks/generic`, {
          method: 'POST',
          headers: bearer('local-generic-secret'),
          body: JSON.stringify(body),
        }).catch(() => undefined);
        isAccepted = answer?.status === 202;
        if (!isAccepted) await sleep(100);
      },
    },
  );
}

describe.skipIf(process.platform !== 'linux')('npm start, whose functions are killed', () => {
  it('loses nothing, does nothing twice, and tells each fact under one id', {
    timeout: 400_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kill-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'written');
    writeFileSync(file, '');
    writeFileSync(join(folder, 'rules.yml'), rules);
    writeFileSync(
      join(folder, 'fleet.yml'),
      JSON.stringify({
        version: 1,
        instances: [{ id: 'ins-kill0001' }, { id: 'i-kill0001' }],
        commands: ['cmd-write001', 'c-write001'].map((id) => ({
          id,
          name: 'write',
          content: command(file),
          enableParameter: true,
        })),
      }),
    );
    const up = startUp({ RULES_FILE: join(folder, 'rules.yml'), FLEET_FILE: join(folder, 'fleet.yml') });
    await ready(up);
    const completions = completionsOf(up.place());
    onTestFinished(() => completions.close());

    const tokens = Array.from({ length: EVENTS }, (_, index) => `token-${index}`);
    const killing = (async () => {
      for (let count = 0; count < KILLS; count += 1) {
        const back = () => up.lines.filter((line) => line.includes('The functions are back')).length;
        await until(
          () => back() === count,
          () => up.lines,
          { deadlineMs: DEADLINE_MS },
        );
        // Anywhere between the first request and the last look of the poller.
        await sleep(Math.random() * 2_500);
        process.kill(functionsProcess(up.child.pid) ?? 0, 'SIGKILL');
      }
    })();
    for (const [index, token] of tokens.entries()) {
      await deliver(up, { token, cloud: index % 2 === 0 ? 'tencent' : 'alibaba' });
      await sleep(Math.random() * 600);
    }
    await killing;

    const ends = () => completions.taken.filter(({ event }) => event.type === 'fleet-reflex.run.completed');
    const told = () => new Set(ends().map(({ event }) => event.subject));
    await completions.until(() => told().size === EVENTS, DEADLINE_MS);
    const events = completions.taken.map(({ event }) => event);
    const written = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const statuses = new Map(events.filter(isEnd).map(({ id, data }) => [id, data.status]));
    // One id for each fact, however often it was told.
    expect(statuses.size).toBe(EVENTS);
    expect(new Set(events.filter(isTask).map(({ id }) => id)).size).toBe(EVENTS);
    expect(new Set(events.filter(isTask).map(({ subject }) => subject)).size).toBe(EVENTS);
    // Cloud Assistant has a client token, and TAT's invocations are searched for: nothing is unknown here.
    expect([...statuses.values()]).toEqual(tokens.map(() => 'succeeded'));
    expect(written.toSorted()).toEqual(tokens.toSorted());

    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expect(up.remains()).toEqual({ processes: [], files: [] });
  });
});

const isEnd = ({ type }: CompletionEvent) => type === 'fleet-reflex.run.completed';
const isTask = ({ type }: CompletionEvent) => type === 'fleet-reflex.task.completed';
