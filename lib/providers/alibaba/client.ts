/**
 * The Cloud Assistant actions of Alibaba Cloud ECS (API 2014-05-26), as facts for the frame of every client: endpoint,
 * rate, signature, envelope, codes.
 */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type CallFailed, type CallOutcome, type OwnCode, ownFailed, vendorFailed } from '../call-outcome.ts';
import type { HttpAnswer, Opened, Vendor, VendorAction } from '../vendor.ts';
import { createVendorClient, type VendorClient, type VendorClientOptions } from '../vendor-client.ts';
import {
  DescribeCloudAssistantStatusAnswer,
  DescribeCommandsAnswer,
  DescribeInstancesAnswer,
  DescribeInvocationResultsAnswer,
  DescribeInvocationsAnswer,
  ErrorAnswer,
  InvokeCommandAnswer,
  ModifyInvocationAttributeAnswer,
  StopInvocationAnswer,
} from './answers.ts';
import { explainErrorCode } from './error-codes.ts';
import {
  DescribeCloudAssistantStatusRequest,
  DescribeCommandsRequest,
  DescribeInstancesRequest,
  DescribeInvocationResultsRequest,
  DescribeInvocationsRequest,
  InvokeCommandRequest,
  ModifyInvocationAttributeRequest,
  StopInvocationRequest,
} from './requests.ts';
import { flattenParameters, type RpcValue } from './rpc-parameters.ts';
import { type AlibabaCredentials, canonicalQuery, signAcs3 } from './signature.ts';

const API_VERSION = '2014-05-26';

export interface CloudAssistantClientOptions extends VendorClientOptions<AlibabaCredentials> {
  /** Unique for each call. Default 32 random hexadecimal digits. */
  newNonce?: () => string;
}

/** One method for each action: one request, one honest outcome; nothing is repeated. */
export interface CloudAssistantClient extends Pick<VendorClient, 'requestCounts' | 'close'> {
  invokeCommand(request: InvokeCommandRequest): Promise<CallOutcome<InvokeCommandAnswer>>;
  stopInvocation(request: StopInvocationRequest): Promise<CallOutcome<StopInvocationAnswer>>;
  modifyInvocationAttribute(
    request: ModifyInvocationAttributeRequest,
  ): Promise<CallOutcome<ModifyInvocationAttributeAnswer>>;
  describeInvocations(request: DescribeInvocationsRequest): Promise<CallOutcome<DescribeInvocationsAnswer>>;
  describeInvocationResults(
    request: DescribeInvocationResultsRequest,
  ): Promise<CallOutcome<DescribeInvocationResultsAnswer>>;
  describeCommands(request: DescribeCommandsRequest): Promise<CallOutcome<DescribeCommandsAnswer>>;
  describeCloudAssistantStatus(
    request: DescribeCloudAssistantStatusRequest,
  ): Promise<CallOutcome<DescribeCloudAssistantStatusAnswer>>;
  describeInstances(request: DescribeInstancesRequest): Promise<CallOutcome<DescribeInstancesAnswer>>;
}

/** @throws TypeError when the endpoint is none */
export function createCloudAssistantClient(options: CloudAssistantClientOptions): CloudAssistantClient {
  const newNonce = options.newNonce ?? (() => randomBytes(16).toString('hex'));
  const client = createVendorClient(cloudAssistant(newNonce), options);

  const method =
    <Request extends { RegionId: string }, Answer>(
      name: string,
      effect: VendorAction<Request, Answer>['effect'],
      request: z.ZodType<unknown, Request>,
      answer: z.ZodType<Answer>,
    ) =>
    (given: Request): Promise<CallOutcome<Answer>> =>
      client.call({ name, effect, request, answer }, given.RegionId, given);

  return {
    invokeCommand: method('InvokeCommand', 'once', InvokeCommandRequest, InvokeCommandAnswer),
    stopInvocation: method('StopInvocation', 'repeatable', StopInvocationRequest, StopInvocationAnswer),
    modifyInvocationAttribute: method(
      'ModifyInvocationAttribute',
      'repeatable',
      ModifyInvocationAttributeRequest,
      ModifyInvocationAttributeAnswer,
    ),
    describeInvocations: method(
      'DescribeInvocations',
      'read',
      DescribeInvocationsRequest,
      DescribeInvocationsAnswer,
    ),
    describeInvocationResults: method(
      'DescribeInvocationResults',
      'read',
      DescribeInvocationResultsRequest,
      DescribeInvocationResultsAnswer,
    ),
    describeCommands: method('DescribeCommands', 'read', DescribeCommandsRequest, DescribeCommandsAnswer),
    describeCloudAssistantStatus: method(
      'DescribeCloudAssistantStatus',
      'read',
      DescribeCloudAssistantStatusRequest,
      DescribeCloudAssistantStatusAnswer,
    ),
    describeInstances: method('DescribeInstances', 'read', DescribeInstancesRequest, DescribeInstancesAnswer),
    requestCounts: client.requestCounts,
    close: () => client.close(),
  };
}

function cloudAssistant(newNonce: () => string): Vendor<AlibabaCredentials> {
  return {
    endpoint: 'https://ecs.{region}.aliyuncs.com',
    // The vendor publishes no number; it counts all keys of the account together, for each API and region.
    requestsPerSecond: 20,
    isRateByRegion: true,
    // It counts by the minute.
    windowMs: 1000,
    deadlineMs: 10_000,
    attempts: 1,
    open: openAnswer,
    advice: adviceOn,
    sign({ action, request, host, nowMs }, credentials) {
      const query = flattenParameters(wireForm(request));
      const call = { method: 'POST' as const, host, action, version: API_VERSION, query };
      const signed = signAcs3({ ...call, date: new Date(nowMs), nonce: newNonce() }, credentials);
      const headers = { ...signed, accept: 'application/json' };
      return { path: `/?${canonicalQuery(query)}`, headers: Object.entries(headers).flat() };
    },
  };
}

function adviceOn(code: OwnCode, kind: CallFailed['kind']): string {
  switch (code) {
    case 'InvalidRequest':
      return 'Correct the rule or the request: the vendor would refuse it.';
    case 'NoCredentials':
      return 'Check where the access key of Alibaba Cloud is kept, and the permission to read it.';
    case 'RateLimited':
      return 'If it stays so, spread the runs over more time.';
    case 'InvalidAnswer':
    case 'HttpStatus':
      return 'Look whether a proxy answers in the place of the vendor; the request may have had its effect.';
    case 'Network':
    case 'Timeout':
    case 'Aborted':
      return kind === 'notSent'
        ? 'Check the network from here to the vendor, and the endpoint.'
        : 'Nothing to do: what became of the request is looked up before anything is sent again.';
  }
}

/** The vendor answers errors with HTTP 400 and more and `{RequestId, HostId, Code, Message, Recommend}`. */
function openAnswer({ status, headers, body: text }: HttpAnswer, nowMs: number): Opened {
  const body = parseJson(text);
  if (status < 300) {
    const requestId = ErrorAnswer.pick({ RequestId: true }).safeParse(body).data?.RequestId;
    return { kind: 'answered', answer: body, requestId };
  }
  if (status < 400) {
    const message = `HTTP ${status} with a body that does not have the documented form`;
    return ownFailed('InvalidAnswer', message, adviceOn('InvalidAnswer', 'unknown'), 'unknown');
  }
  const {
    Code: code,
    Message: message,
    RequestId: requestId,
  } = ErrorAnswer.safeParse(body).data ?? {
    Code: `Http${status}`,
    Message: 'no error body in the documented form',
    RequestId: '',
  };
  const { class: errorClass, kind, advice } = explainErrorCode(code, status);
  const isThrottled = errorClass === 'throttled';
  return vendorFailed(errorClass, {
    code,
    message,
    advice,
    ...(requestId !== '' && { requestId }),
    ...(kind === 'server' && { isOutage: true }),
    ...(isThrottled && { retryAfterMs: retryAfterHeader(headers) ?? untilNextMinute(nowMs) }),
  });
}

/** The vendor's SDK reads `x-acs-retry-after` as whole milliseconds (openapi-core, getThrottlingTimeLeft). */
function retryAfterHeader(headers: HttpAnswer['headers']): number | undefined {
  const header = headers['x-acs-retry-after'];
  const milliseconds = typeof header === 'string' ? Number.parseInt(header, 10) : Number.NaN;
  return milliseconds >= 0 ? milliseconds : undefined;
}

/** Who is throttled in one minute is refused until the next begins. */
function untilNextMinute(epochMs: number): number {
  return 60_000 - (epochMs % 60_000);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `Parameters` travels as JSON text in one parameter; everything else is flat already. */
function wireForm(request: object): Record<string, RpcValue> {
  const form: Record<string, RpcValue> = {};
  for (const [name, value] of Object.entries(request)) {
    form[name] = name === 'Parameters' && value !== undefined ? JSON.stringify(value) : RpcForm.parse(value);
  }
  return form;
}

const RpcForm: z.ZodType<RpcValue> = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.undefined(),
  z.array(z.string()),
  z.array(z.record(z.string(), z.string())),
]);
