/** `npm start`: the whole stack on this machine, until Ctrl-C. */
import { environment } from '../lib/config.ts';
import { FleetReflexError } from '../lib/errors.ts';
import { askedPorts } from './stack/asked-ports.ts';
import { readableLines } from './stack/log-line.ts';
import { type Stack, startStack } from './stack/start.ts';

const showsAll = environment['LOG_LEVEL'] === 'DEBUG';
const interrupted = new Promise<void>((resolve) => {
  let isAsked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait.
      if (isAsked) process.exit(130);
      isAsked = true;
      resolve();
    });
  }
});

try {
  console.log('fleet-reflex: starting …');
  const stack = await startStack({
    ports: askedPorts(environment),
    environment,
    onLine: (line) => {
      for (const readable of readableLines(line, showsAll)) console.log(readable);
    },
    onError: (message) => console.error(message),
  });
  printReady(stack);
  const ending = await Promise.race([interrupted.then(() => ''), stack.died]);
  if (ending !== '') {
    console.error(ending);
    process.exitCode = 1;
  }
  console.log('fleet-reflex: stopping …');
  await stack.stop();
} catch (thrown) {
  if (!(thrown instanceof FleetReflexError)) throw thrown;
  console.error(`fleet-reflex cannot start:\n${thrown.message}`);
  process.exitCode = 1;
}

function printReady(stack: Stack): void {
  const lines = [
    ['events', `POST ${stack.httpUrl}/hooks/{source}, or a message on ${stack.queueUrl('events')}`],
    ['completions', `messages on ${stack.queueUrl('completions')}`],
    ['runs', `GET ${stack.httpUrl}/runs with Authorization: Bearer ${stack.runsToken}`],
    ['rules', stack.rulesFile],
    ['TAT', stack.tatUrl],
    ['Assistant', stack.cloudAssistantUrl],
    ['SQS', stack.sqsUrl],
    ['DynamoDB', stack.tableUrl],
  ];
  for (const [name = '', what] of lines) console.log(`  ${name.padEnd(12)} ${what}`);
  console.log('\nfleet-reflex is ready. Ctrl-C stops it. Try:\n');
  console.log(
    `  curl -sS ${stack.httpUrl}/hooks/generic -H 'Authorization: Bearer ${stack.secretOf('generic')}' -H 'Content-Type: application/json' -d '{"hello":"fleet"}'\n`,
  );
}
