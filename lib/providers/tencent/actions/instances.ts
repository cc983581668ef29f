/** DescribeInstances of CVM (2017-03-12): the instances of an account, by their tags. */
import * as z from 'zod';
import type { VendorAction } from '../../vendor.ts';
import { optional } from './fields.ts';

/** The most rows of a page. */
export const MAX_ROWS = 100;
/** All must hold. */
export const MAX_TAG_FILTERS = 10;

export const DescribeInstancesRequest = z.strictObject({
  Filters: z
    .array(
      z.strictObject({
        Name: z.string().regex(/^tag:./, 'expected tag: and the key of a tag'),
        Values: z.array(z.string().min(1)).min(1).max(5),
      }),
    )
    .min(1)
    .max(MAX_TAG_FILTERS),
  Limit: z.int().min(1).max(MAX_ROWS),
  Offset: z.int().min(0).optional(),
});
export type DescribeInstancesRequest = z.input<typeof DescribeInstancesRequest>;

export const DescribeInstancesAnswer = z.object({
  TotalCount: z.int().min(0),
  InstanceSet: z.array(
    z.object({
      InstanceId: z.string().min(1),
      InstanceState: z.string(),
      Tags: optional(z.array(z.object({ Key: z.string(), Value: z.string() }))),
    }),
  ),
});
export type DescribeInstancesAnswer = z.infer<typeof DescribeInstancesAnswer>;

export const describeInstances: VendorAction<DescribeInstancesRequest, DescribeInstancesAnswer> = {
  name: 'DescribeInstances',
  effect: 'read',
  request: DescribeInstancesRequest,
  answer: DescribeInstancesAnswer,
};
