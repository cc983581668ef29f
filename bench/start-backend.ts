/** Starts `backend.ts` on the texts of a rules file and of a fleet file, with the environment that the functions get. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionEnvironment } from '../local/stack/function-environment.ts';
import { type AllCounts, Counted, type Latencies, type Order, Ready, TABLES } from './backend-messages.ts';

export interface Backend extends Ready {
  environment: Readonly<Record<string, string>>;
  counts(): Promise<AllCounts>;
  /** Makes each request so much slower from now on. */
  slow(latencies: Latencies): Promise<void>;
  /** By name, past the proxy. */
  queueUrl(name: string): string;
  stop(): Promise<void>;
}

/** Texts of a rules file and of a fleet file. */
export interface BackendFiles {
  rules: string;
  fleet: string;
  /** Default ERROR: what the functions say costs time too. */
  logLevel?: 'INFO';
}

export async function startBackend(files: BackendFiles): Promise<Backend> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-reflex-bench-'));
  const fileOf = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const process = fork(fileURLToPath(new URL('backend.ts', import.meta.url)), [
    fileOf('fleet.yml', files.fleet),
  ]);
  const ready = Ready.parse((await once(process, 'message'))[0]);
  const { direct, proxied, queueUrls } = ready;
  const queueUrl = (name: string): string => {
    const url = Object.values(queueUrls).find((candidate) => candidate.endsWith(`/${name}`));
    if (url === undefined) throw new Error(`serverless.yml has no queue ${name}`);
    return url;
  };

  let orders = 0;
  const order = async (more: Omit<Order, 'id'>): Promise<AllCounts> => {
    orders += 1;
    const id = orders;
    process.send({ ...more, id } satisfies Order);
    for (;;) {
      const [message] = await once(process, 'message');
      const counted = Counted.parse(message);
      if (counted.id === id) return counted.counts;
    }
  };

  return {
    ...ready,
    environment: functionEnvironment(
      { LOG_LEVEL: files.logLevel ?? 'ERROR' },
      {
        sqsUrl: proxied.queues,
        tableUrl: proxied.table,
        tables: TABLES,
        tatUrl: proxied.tencent,
        cloudAssistantUrl: proxied.alibaba,
        // The rules of benchmarks name no bus, log group or web hook.
        destinationsUrl: 'http://127.0.0.1:1',
        destinationSecrets: {},
        rulesFile: fileOf('rules.yml', files.rules),
        queueUrl: (name) => queueUrl(name).replace(direct.queues, proxied.queues),
      },
    ),
    queueUrl,
    counts: () => order({}),
    async slow(latencies) {
      await order({ latencies });
    },
    async stop() {
      const ended = once(process, 'exit');
      process.disconnect();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
