/** The server of provider-client.ts: answers every request with the same DescribeInvocations answer, as fast as node:http can. */
import { createServer } from 'node:http';

const task = (id: string) => ({
  InvocationTaskId: `invt-${id}`,
  TaskStatus: 'RUNNING',
  InstanceId: `ins-${id}`,
});
const invocation = (id: string) => ({
  InvocationId: `inv-${id}`,
  CommandId: 'cmd-ffxdx79i',
  CommandName: 'restart',
  InvocationStatus: 'RUNNING',
  InvocationTaskBasicInfoSet: [task(`${id}a`), task(`${id}b`)],
  Description: '',
  StartTime: '2020-11-05T07:49:58+00:00',
  EndTime: null,
  CreatedTime: '2020-11-05T07:49:56+00:00',
  UpdatedTime: '2020-11-05T07:50:06+00:00',
  Parameters: '{"service":"web"}',
  DefaultParameters: '{}',
  InstanceKind: 'CVM',
  Username: 'root',
  InvocationSource: 'USER',
  CommandContent: 'c3lzdGVtY3RsIHJlc3RhcnQge3tzZXJ2aWNlfX0=',
  CommandType: 'SHELL',
  Timeout: 60,
  WorkingDirectory: '/root',
});
const body = JSON.stringify({
  Response: {
    TotalCount: 2,
    InvocationSet: [invocation('8xgjrytm'), invocation('1vll7hda')],
    RequestId: '41417f50-51b5-4c8d-85b7-f6c508cb228f',
  },
});
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    response.writeHead(200, headers);
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(address.port);
});
// The parent holds the other end: when it goes, so do we.
process.stdin.on('end', () => process.exit());
process.stdin.resume();
