/**
 * Ids of groups and of deduplication as SQS takes them: letters, digits and punctuation of ASCII, 128 at most.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
const NOT_IN_IDS = /[^\w!-/:-@[-`{-~]/g;
const MAX_LENGTH = 128;

/** @returns at least one character: SQS refuses an empty id */
export function groupId(text: string): string {
  const id = text.replace(NOT_IN_IDS, '_').slice(0, MAX_LENGTH);
  return id === '' ? '-' : id;
}
