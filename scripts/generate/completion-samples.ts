/**
 * Writes events/fleet-reflex.<type>.json, one for each type of completion event: what the code itself publishes of a
 * run on two instances of which one fails, and of a run that must not start. They are samples of the source
 * `fleet-reflex` too, which reads them. And events/provider.<status>.json: of a cloud that does not answer.
 */
import { runEvent, taskCompleted } from '../../lib/completions/publish.ts';
import type { Run, RunTask } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import { providerEvent } from '../../lib/runs/provider-event.ts';

const STAGE = 'prod';
const RULE = 'deploy-on-deployment';
const DELIVERY = '72d3162e-cc78-11e3-81ab-4c9367dc0958';

const run: Run = {
  version: 2,
  revision: 1,
  runId: runIdFor(RULE, 'github', DELIVERY),
  rule: RULE,
  trigger: {
    source: 'github',
    type: 'deploy.created',
    id: DELIVERY,
    subject: 'acme/web',
    actor: { id: '21031067', name: 'Codertocat', source: 'github' },
  },
  notify: [{ name: 'completions', sqs: 'completions' }],
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  target: {
    provider: 'tencent',
    region: 'ap-guangzhou',
    command: 'cmd-echo0001',
    instances: ['ins-local001', 'ins-local002'],
    parameters: { ref: 'refs/heads/main' },
  },
  guards: {},
  onUnavailable: 'fail',
  requestedAt: '2026-11-20T10:19:57.120Z',
  deadline: '2026-11-20T10:34:57.120Z',
  status: 'running',
  invocations: [
    {
      token: 'run-1',
      instances: ['ins-local001', 'ins-local002'],
      state: 'sent',
      attemptedAt: '2026-11-20T10:19:57.480Z',
      invocationId: 'inv-8xgjrytm',
    },
  ],
  tasks: [],
  startedAt: '2026-11-20T10:19:57.651Z',
  outbox: [],
  failedReadings: 0,
};

const succeeded: RunTask = {
  invocationId: 'inv-8xgjrytm',
  taskId: 'invt-0fpwdc04',
  instanceId: 'ins-local001',
  status: 'succeeded',
  providerStatus: 'SUCCESS',
  started: 'yes',
  exitCode: 0,
  output: Buffer.from('deployed refs/heads/main\n'),
  outputDroppedBytes: 0,
  startedAt: '2026-11-20T10:19:58.000Z',
  endedAt: '2026-11-20T10:19:59.000Z',
  isEventSent: false,
};

const failed: RunTask = {
  ...succeeded,
  taskId: 'invt-k3q1v8zd',
  instanceId: 'ins-local002',
  status: 'failed',
  providerStatus: 'FAILED',
  exitCode: 3,
  output: Buffer.from('no space left on device\n'),
};

const waiting: Run = {
  ...run,
  status: 'dispatching',
  waitingFor: {
    code: 'approval',
    message:
      'It waits until 2026-11-20T10:49:57.400Z for an approval by U2CERLKJA (slack in C1234567890), or a token with the scope approve; not by who asked for it.',
    until: '2026-11-20T10:49:57.400Z',
  },
  approval: {
    users: ['U2CERLKJA'],
    channels: ['C1234567890'],
    chats: ['slack'],
    expiresMs: 1_800_000,
    asked: {
      at: '2026-11-20T10:19:57.400Z',
      until: '2026-11-20T10:49:57.400Z',
      withinMs: 900_000,
      seal: {},
      script: 'deploy refs/heads/main',
      settings: { CommandType: 'SHELL', Timeout: '60', Username: 'root' },
    },
  },
  invocations: [],
};

const ended: Run = {
  ...run,
  status: 'partly_failed',
  reason: { code: 'task.failed', message: 'ins-local002 exited with 3.' },
  endedAt: '2026-11-20T10:20:00.302Z',
};

const { startedAt: _, target: __, ...notStarted } = run;
const rejected: Run = {
  ...notStarted,
  refusedTarget: { provider: 'tencent', region: 'ap-guangzhou', command: 'cmd-echo0001' },
  invocations: [],
  status: 'rejected',
  reason: {
    code: 'parameters.unsafe',
    message:
      'the parameter `ref`: expected the default pattern (letters, digits and _ . , : @ / + = -, at most 256, not beginning with - + = or @); character 5 of 12 is `;`',
  },
  endedAt: '2026-11-20T10:19:57.480Z',
};

export async function generate(): Promise<{ path: string; content: string }[]> {
  const at = (time: string) => new Date(`2026-11-20T${time}Z`);
  const { startedAt: _begun, ...asked } = waiting;
  const events = [
    runEvent(asked, 'fleet-reflex.run.waiting', [], STAGE, at('10:19:57.410')),
    runEvent({ ...run, status: 'pending' }, 'fleet-reflex.run.started', [], STAGE, at('10:19:57.700')),
    taskCompleted(run, failed, STAGE, at('10:20:00.250')),
    runEvent(ended, 'fleet-reflex.run.completed', [succeeded, failed], STAGE, at('10:20:00.340')),
    runEvent(rejected, 'fleet-reflex.run.rejected', [], STAGE, at('10:19:57.500')),
  ];
  const since = at('03:12:05.118').toISOString();
  const open = {
    since,
    code: 'Timeout',
    message: 'no whole answer within 10000 ms',
    failures: 5,
    tries: 0,
    tryAt: since,
    isTold: false,
  };
  const place = { provider: 'tencent', region: 'ap-guangzhou' };
  const ofProviders = [
    providerEvent('unavailable', place, open, STAGE, at('03:12:05.240')),
    providerEvent('available', place, open, STAGE, at('03:15:41.002')),
  ];
  return [...events, ...ofProviders].map((event) => ({
    // What is of no run is no sample of the source.
    path: `events/${event.type.replace('fleet-reflex.provider.', 'provider.')}.json`,
    content: `${JSON.stringify(event, undefined, 2)}\n`,
  }));
}
