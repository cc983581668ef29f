/** A conditional write that may lose: who else was faster is an answer, every other failure is thrown. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';

/** `false` when the write's condition did not hold; every other failure is thrown. */
export async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
