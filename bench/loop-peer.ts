/** The peer of the poller: what a script does that starts a command and asks for it each five seconds until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tat } from 'tencentcloud-sdk-nodejs/tencentcloud/services/tat/index.js';

/** One run on each instance, of so many seconds. @returns what was asked, and how late each end was seen */
export async function loopEachFiveSeconds(
  tatUrl: string,
  instances: readonly string[],
  seconds: number,
): Promise<{ calls: number; lagsMs: number[] }> {
  const client = new tat.v20201028.Client({
    credential: { secretId: 'local', secretKey: 'local-secret' },
    region: 'ap-guangzhou',
    profile: { httpProfile: { endpoint: new URL(tatUrl).host, protocol: 'http://' } },
  });
  let calls = 0;
  const runOne = async (instanceId: string, index: number): Promise<number> => {
    // Not all in one second, of which the API takes 20 requests.
    await sleep(index * 100);
    const { InvocationId = '' } = await client.InvokeCommand({
      CommandId: 'cmd-bench001',
      InstanceIds: [instanceId],
      Parameters: JSON.stringify({ seconds: String(seconds) }),
    });
    calls += 1;
    // Its looks have nothing to do with the command's length: the first comes anywhere within the five seconds.
    await sleep((index * 5000) / instances.length);
    for (;;) {
      await sleep(5000);
      const { InvocationTaskSet = [] } = await client.DescribeInvocationTasks({
        Filters: [{ Name: 'invocation-id', Values: [InvocationId] }],
        HideOutput: false,
      });
      calls += 1;
      const output =
        InvocationTaskSet[0]?.TaskStatus === 'SUCCESS' ? InvocationTaskSet[0].TaskResult?.Output : '';
      if (output) return Date.now() - Number(Buffer.from(output, 'base64').toString()) * 1000;
    }
  };
  const lagsMs = await Promise.all(instances.map(runOne));
  return { calls, lagsMs };
}
