/** A local TAT on a small fleet for one test file, and the vendor's own SDK as its client. */
import { Client } from 'tencentcloud-sdk-nodejs/tencentcloud/services/tat/v20201028/tat_client.js';
import type { InvocationTask } from 'tencentcloud-sdk-nodejs/tencentcloud/services/tat/v20201028/tat_models.js';
import * as z from 'zod';
import { createFleetEngine, type FleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer, type TatServer, type TatServerOptions } from '../../local/tencent/server.ts';
import { atEndOfFile, until } from './alibaba-local.ts';

const FLEET = `
version: 1
instances:
  - { id: ins-local001 }
  - { id: ins-local002 }
  - { id: ins-local003 }
  - { id: lhins-local001 }
  - { id: rins-local001 }
  - { id: ins-stopped01, state: stopped }
  - { id: ins-offline01, agent: offline }
  - { id: ins-noagent01, agent: not-installed }
  - { id: ins-windows01, os: windows }
  - { id: ins-beijing01, region: ap-beijing }
  - { id: i-local001 }
commands:
  - { id: cmd-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }
  - { id: cmd-greet001, name: greet, content: 'echo {{a}} {{b}}', enableParameter: true, defaultParameters: { a: hi, b: you } }
  - { id: cmd-hide0001, name: hide, content: 'echo {{tat-hidden:text}} | wc -c', enableParameter: true }
  - { id: cmd-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
  - { id: cmd-fail0001, name: fail, content: 'echo this command always fails >&2; exit 3', description: fails }
  - { id: cmd-wins0001, name: windows, content: 'dir', type: powershell }
`;

export interface LocalTat {
  server: TatServer;
  engine: FleetEngine;
  /** In ap-guangzhou, with the local credentials, unless it says otherwise. */
  client(more?: { secretId?: string; secretKey?: string; token?: string; region?: string }): Client;
  /** The vendor's code of a request that has to fail, or what it answered. */
  codeOf(action: string, body: object, client?: Client): Promise<unknown>;
  /** Runs a script and waits for its end. */
  run(script: string, more?: Partial<Parameters<Client['RunCommand']>[0]>): Promise<InvocationTask>;
}

/** Started now. @param atEnd when it stops: when the file's tests are over, or `onTestFinished` */
export async function startTat(
  options: Partial<TatServerOptions> & { fleet?: string } = {},
  atEnd: (stop: () => Promise<void>) => void = atEndOfFile,
): Promise<LocalTat> {
  const { fleet = FLEET, ...more } = options;
  const engine = createFleetEngine(parseFleet(fleet));
  let server: TatServer | undefined;
  atEnd(async () => {
    await server?.stop();
    await engine.stop();
  });
  server = await startTatServer({ engine, requestsPerSecond: 'unlimited', ...more });
  const { port } = server;

  const client: LocalTat['client'] = (wanted = {}) =>
    new Client({
      credential: {
        secretId: wanted.secretId ?? 'local',
        secretKey: wanted.secretKey ?? 'local-secret',
        ...(wanted.token !== undefined && { token: wanted.token }),
      },
      region: wanted.region ?? 'ap-guangzhou',
      profile: { httpProfile: { endpoint: `127.0.0.1:${port}`, protocol: 'http://' } },
    });
  const usual = client();

  return {
    server,
    engine,
    client,
    async codeOf(action, body, asked = usual) {
      try {
        return await asked.request(action, body);
      } catch (error) {
        return error instanceof Error && 'code' in error ? error.code : error;
      }
    },
    async run(script, more = {}) {
      const Content = Buffer.from(script).toString('base64');
      const { InvocationId } = await usual.RunCommand({ Content, InstanceIds: ['ins-local001'], ...more });
      return ended(usual, known(InvocationId));
    },
  };
}

/** The only task of an invocation, with its output, once it has ended. */
export async function ended(client: Client, invocationId: string): Promise<InvocationTask> {
  const open = ['PENDING', 'DELIVERING', 'DELIVER_DELAYED', 'RUNNING', 'CANCELLING'];
  return until(
    () => theTask(client, invocationId),
    ({ TaskStatus }) => !open.includes(known(TaskStatus)),
  );
}

/** The only task of an invocation, as it is now. */
export async function theTask(client: Client, invocationId: string): Promise<InvocationTask> {
  const { InvocationTaskSet = [] } = await client.DescribeInvocationTasks({
    Filters: [{ Name: 'invocation-id', Values: [invocationId] }],
    HideOutput: false,
  });
  return known(InvocationTaskSet[0]);
}

/** What the SDK's types leave open, and the API always gives. */
export function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the answer lacks it');
  return value;
}

/** The text of a task's output. */
export function outputOf(task: InvocationTask): string {
  return Buffer.from(known(task.TaskResult?.Output), 'base64').toString();
}

const Envelope = z.object({
  Response: z.looseObject({
    RequestId: z.string(),
    Error: z.strictObject({ Code: z.string(), Message: z.string() }).optional(),
  }),
});

/** The envelope of an answer that was not asked for by the SDK. */
export async function envelopeOf(response: Response) {
  return Envelope.parse(await response.json()).Response;
}
