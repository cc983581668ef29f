/** DescribeInvokerRecords: the firings, the newest first. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { invocationStatus } from '../aggregate.ts';
import { invokerIdsField } from '../invokers.ts';
import { list, listingFields, PLAIN_CODES } from '../listing.ts';
import { timeText } from '../world.ts';

const { Limit, Offset } = listingFields({
  ...PLAIN_CODES,
  tooSmall: 'InvalidParameterValue.TooSmall',
  tooLarge: 'InvalidParameterValue.TooLarge',
});

export const describeInvokerRecords = defineAction({
  name: 'DescribeInvokerRecords',
  input: z.strictObject({ InvokerIds: invokerIdsField('InvalidParameterValue.TooLong'), Limit, Offset }),
  run(world, input, { region }) {
    const { total, page } = list(
      world.records.firings.filter((firing) => firing.region === region).reverse(),
      input,
      { parameter: 'InvokerIds', ids: input.InvokerIds, of: (row) => row.invokerId },
    );
    return {
      TotalCount: total,
      InvokerRecordSet: page.map(({ invokerId, invokedAt, reason, invocation }) => ({
        InvokerId: invokerId,
        InvokeTime: timeText(invokedAt),
        Reason: reason,
        InvocationId: invocation?.id ?? '',
        Result:
          invocation === undefined
            ? 'FAILED'
            : invocationStatus(invocation.tasks.map(({ status }) => status)),
      })),
    };
  },
});
