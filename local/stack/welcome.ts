/** What `npm start` says when everything answers: where things are, and one command that shows that it works. */
import { relative } from 'node:path';
import type { Stack } from './start.ts';

export function welcome(stack: Stack): string {
  const rulesFile = relative(process.cwd(), stack.rulesFile);
  const queue = stack.queueUrl('completions');
  return `
fleet-reflex is ready

  events in       POST ${stack.httpUrl}/hooks/{source}
                  or messages on ${stack.queueUrl('events')}
  rules           ${rulesFile.startsWith('..') ? stack.rulesFile : rulesFile}
  completions     on ${queue}
  runs            GET ${stack.httpUrl}/runs   (Authorization: Bearer <RUNS_TOKEN>)
  SQS             ${stack.sqsUrl}
  DynamoDB        ${stack.tableUrl}
  TAT             ${stack.tatUrl}
  Cloud Assistant ${stack.cloudAssistantUrl}

Try it: an event, and then its run with the command's real output

  curl -sS ${stack.httpUrl}/hooks/generic -H 'Authorization: Bearer ${stack.secretOf('generic')}' \\
    -H 'Content-Type: application/json' -d '{"type":"hello"}'
  curl -sS ${stack.httpUrl}/runs -H 'Authorization: Bearer ${stack.runsToken}'

Ctrl-C stops everything. What the functions decide follows; LOG_LEVEL=DEBUG npm start shows all.
`;
}
