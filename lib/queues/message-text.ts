/**
 * JSON as a queue takes it. SQS refuses a message with a character outside XML 1.0 (U+FFFE and U+FFFF, which
 * JSON.stringify leaves as they are), and the local SQS any beyond the Basic Multilingual Plane: all of them are
 * written as escapes, which every JSON parser reads as the same text.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
const NOT_FOR_QUEUES = /[\ud800-\udfff\ufffe\uffff]/g;

export function messageText(value: unknown): string {
  return JSON.stringify(value).replace(
    NOT_FOR_QUEUES,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
