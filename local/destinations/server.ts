/**
 * Stand-ins on this machine for destinations that fauxqs, which has SQS and SNS, does not have: EventBridge, CloudWatch
 * Logs and a receiver of web hooks, on one port. `GET /arrived` shows what came.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { messageOf } from '../../lib/errors.ts';
import { type HttpRequest, type Reply, readRequest, send } from '../server/http.ts';
import { guardAgainstPages } from '../server/page-guard.ts';
import { AWS_JSON_DOOR } from '../stack/doors.ts';
import { portOf } from '../stack/ports.ts';
import { type Arrival, keepArrivals } from './arrival.ts';
import { AwsError } from './aws-error.ts';
import { logGroups } from './log-groups.ts';
import { putEvents } from './put-events.ts';
import { receiveWebhook } from './receiver.ts';

export interface DestinationServerOptions {
  /** 0: any free one. */
  port: number;
  buses: ReadonlySet<string>;
  groups: ReadonlySet<string>;
  /** Of a destination with a web hook; undefined: there is none of that name. */
  secretOf: (destination: string) => string | undefined;
}

export interface DestinationServer {
  url: string;
  arrived(): readonly Arrival[];
  /** Every request is answered so, until it is taken back: a service that is down. */
  answerAll(reply: Reply | undefined): void;
  stop(): Promise<void>;
}

const JSON_11 = { 'content-type': 'application/x-amz-json-1.1' };

export async function startDestinationServer(options: DestinationServerOptions): Promise<DestinationServer> {
  const arrivals = keepArrivals();
  const logs = logGroups(options.groups, arrivals);
  const actions = new Map<string, (input: unknown) => object>([
    ['AWSEvents.PutEvents', (input) => putEvents(input, options.buses, arrivals)],
    ['Logs_20140328.CreateLogStream', (input) => logs.createLogStream(input)],
    ['Logs_20140328.PutLogEvents', (input) => logs.putLogEvents(input)],
  ]);
  let forced: Reply | undefined;

  const server = createServer((message, response) => {
    readRequest(message)
      .then((request) => send(response, forced ?? answerTo(request)))
      .catch((thrown: unknown) => send(response, errorOf(thrown)));
  });
  guardAgainstPages(server, AWS_JSON_DOOR);
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    arrived: () => arrivals.all(),
    answerAll(reply) {
      forced = reply;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  function answerTo(request: HttpRequest): Reply {
    if (request.method === 'GET' && request.path === '/arrived') {
      const body = JSON.stringify(arrivals.all(), undefined, 2);
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    }
    const received = receiveWebhook(request, options.secretOf, arrivals);
    if (received !== undefined) return received;
    const target = request.headers['x-amz-target'] ?? '';
    const action = actions.get(target);
    if (action === undefined)
      return errorOf(new AwsError('UnknownOperationException', `Not here: ${target}`));
    try {
      const input: unknown = JSON.parse(request.body.toString('utf8'));
      return { status: 200, headers: JSON_11, body: JSON.stringify(action(input)) };
    } catch (thrown) {
      return errorOf(thrown);
    }
  }
}

function errorOf(thrown: unknown): Reply {
  const { code, status } =
    thrown instanceof AwsError ? thrown : { code: 'SerializationException', status: 400 };
  return { status, headers: JSON_11, body: JSON.stringify({ __type: code, message: messageOf(thrown) }) };
}
