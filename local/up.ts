/** `npm start`: the whole stack on this machine, until Ctrl-C. local/README.md says what is where. */
import { relative } from 'node:path';
import { FleetReflexError } from '../lib/errors.ts';
import { askedPorts } from './stack/asked-ports.ts';
import { cleanStart } from './stack/clean-start.ts';
import { readableLines } from './stack/log-line.ts';
import { whenOrphaned } from './stack/orphan.ts';
import { type Stack, startStack } from './stack/start.ts';

const environment = cleanStart();
const showsAll = environment['LOG_LEVEL'] === 'DEBUG';
let isReady = false;
const stopping = new AbortController();
const interrupted = new Promise<string>((resolve) => {
  const stop = () => {
    // A second signal stops at once. Remaining processes end by themselves: they watch this process.
    if (stopping.signal.aborted) process.exit(130);
    console.log('\nfleet-reflex: stopping …');
    stopping.abort();
    resolve('');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  if (environment['npm_lifecycle_event'] !== undefined) whenOrphaned(stop);
});

try {
  console.log('fleet-reflex: starting the stack on this machine …');
  const stack = await startStack({
    ports: askedPorts(environment),
    environment,
    signal: stopping.signal,
    onLine: (line) => {
      // Until then there are only the functions' answers to the question whether they answer.
      if (!isReady && !showsAll) return;
      for (const readable of readableLines(line, showsAll)) console.log(readable);
    },
    onNotice: (message) => {
      if (!stopping.signal.aborted) console.log(`fleet-reflex: ${message}`);
    },
    onError: (message) => {
      if (!stopping.signal.aborted) console.error(message);
    },
  });
  isReady = true;
  console.log(welcome(stack));
  const problem = await Promise.race([interrupted, stack.died]);
  if (problem !== '') {
    console.error(problem);
    process.exitCode = 1;
  }
  await stack.stop();
} catch (thrown) {
  if (!stopping.signal.aborted) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    console.error(`fleet-reflex cannot start:\n${thrown.message}`);
    process.exitCode = 1;
  }
}

function welcome(stack: Stack): string {
  const rules = relative(process.cwd(), stack.rulesFile);
  const places = [
    ['events', `POST ${stack.httpUrl}/hooks/{source}, or a message on ${stack.queueUrl('events')}`],
    ['completions', `messages on ${stack.queueUrl('completions')}`],
    ['runs', `GET ${stack.httpUrl}/runs with Authorization: Bearer <RUNS_TOKEN>`],
    ['rules', rules.startsWith('..') ? stack.rulesFile : rules],
    ['TAT', stack.tatUrl],
    ['Assistant', stack.cloudAssistantUrl],
    ['SQS', stack.sqsUrl],
    ['DynamoDB', stack.tableUrl],
    [
      'destinations',
      `GET ${stack.destinationsUrl}/arrived: what EventBridge, CloudWatch Logs and web hooks got`,
    ],
  ];
  return `
${places.map(([name = '', what]) => `  ${name.padEnd(12)} ${what}`).join('\n')}

  Try an event, then look at its run:
  curl -sS ${stack.httpUrl}/hooks/generic -H 'Authorization: Bearer ${stack.secretOf('generic')}' -H 'Content-Type: application/json' -d '{"hello":"fleet"}'
  curl -sS ${stack.httpUrl}/runs -H 'Authorization: Bearer ${stack.runsToken}'

  What the functions decide follows; LOG_LEVEL=DEBUG shows all that they say. Ctrl-C stops everything.

fleet-reflex is ready
`;
}
