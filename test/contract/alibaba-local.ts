/** A local Cloud Assistant on a small fleet, for one test file; and patience with a deadline. */
import { afterAll } from 'vitest';
import { type CloudAssistantServer, startCloudAssistantServer } from '../../local/alibaba/server.ts';
import { createFleetEngine, type FleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';

const FLEET = `
version: 1
instances:
  - { id: i-local001, name: web-1 }
  - { id: i-local002, name: web-2 }
  - { id: i-local003, name: web-3 }
  - { id: i-beijing01, region: cn-beijing }
  - { id: i-stopped01, state: stopped }
  - { id: i-offline01, agent: offline }
  - { id: i-noagent01, agent: not-installed }
  - { id: i-windows01, os: windows }
  - { id: ins-local001 }
commands:
  - { id: c-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }
  - { id: c-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
  - { id: c-fail0001, name: fail, content: 'echo this command always fails >&2; exit 3', description: fails }
  - { id: cmd-echo0001, name: echo, content: 'echo tencent' }
`;

export type LocalOptions = Omit<Parameters<typeof startCloudAssistantServer>[0], 'engine'>;

export interface Local {
  server: CloudAssistantServer;
  engine: FleetEngine;
}

const stops: (() => Promise<void>)[] = [];

/** Does this when the file's tests are over, in the reverse order. */
export function atEndOfFile(stop: () => Promise<void>): void {
  stops.push(stop);
}

// Here, while the file is collected: vitest takes no afterAll from inside a hook or a test, and does not say so.
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Started now. @param atEnd when it stops: when the file's tests are over, or `onTestFinished` */
export async function startLocal(
  options: LocalOptions = {},
  atEnd: (stop: () => Promise<void>) => void = atEndOfFile,
): Promise<Local> {
  const engine = createFleetEngine(parseFleet(FLEET));
  const server = await startCloudAssistantServer({ engine, ...options });
  atEnd(async () => {
    await server.stop();
    await engine.stop();
  });
  return { server, engine };
}

/** Looks again and again until it is so. @throws with the last thing seen */
export async function until<Value>(
  look: () => Promise<Value>,
  isSo: (value: Value) => boolean,
  deadlineMs = 10_000,
): Promise<Value> {
  const endsAt = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    if (performance.now() > endsAt) throw new Error(`still not so: ${JSON.stringify(value)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 15);
    });
  }
}
