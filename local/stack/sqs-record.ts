/** A message as SQS gives it to a consumer, as Lambda gives it to a function. */
import type { Message } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';

export function toRecord(message: Message, queueName: string): SQSRecord {
  const system: Record<string, string | undefined> = message.Attributes ?? {};
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    md5OfBody: message.MD5OfBody ?? '',
    attributes: {
      ApproximateReceiveCount: system['ApproximateReceiveCount'] ?? '1',
      SentTimestamp: system['SentTimestamp'] ?? '',
      SenderId: system['SenderId'] ?? '',
      ApproximateFirstReceiveTimestamp: system['ApproximateFirstReceiveTimestamp'] ?? '',
      ...(system['MessageGroupId'] !== undefined && { MessageGroupId: system['MessageGroupId'] }),
    },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, it]) => [
        name,
        {
          dataType: it.DataType === 'Number' || it.DataType === 'Binary' ? it.DataType : 'String',
          ...(it.StringValue !== undefined && { stringValue: it.StringValue }),
          ...(it.BinaryValue !== undefined && {
            binaryValue: Buffer.from(it.BinaryValue).toString('base64'),
          }),
        },
      ]),
    ),
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queueName}`,
    awsRegion: 'us-east-1',
  };
}
