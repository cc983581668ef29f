/**
 * Puts a change of the rules into the audit: the first process that starts with another digest than the one that was seen
 * last. A read for each process, two writes for each change, none for an event.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { auditEntry } from '../model/audit-entry.ts';
import type { AuditLog } from './audit-log.ts';
import { condition, key } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

export interface RulesSeenOptions {
  client: DynamoDBDocumentClient;
  /** The table of the runs. */
  table: string;
  audit: Pick<AuditLog, 'add'>;
  now: () => Date;
}

const Seen = z.looseObject({ digest: z.string(), revision: z.int() });

/** @returns what the process calls with the digest of its rules, as often as it likes; once it has succeeded it does nothing */
export function rulesSeen({
  client,
  table,
  audit,
  now,
}: RulesSeenOptions): (digest: string) => Promise<void> {
  let isNoted = false;
  return async (digest) => {
    if (isNoted) return;
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: key.rulesSeen(), ConsistentRead: true }),
    );
    const seen = Item === undefined ? undefined : Seen.parse(Item);
    if (seen?.digest !== digest) {
      const revision = (seen?.revision ?? 0) + 1;
      const from =
        seen === undefined ? 'The first rules' : `The rules changed from ${seen.digest.slice(0, 12)}`;
      // The entry first: if this process dies now, the next one adds it again, under the same id.
      await audit.add(
        auditEntry({
          id: `rules.changed/${revision}/${digest}`,
          at: now().toISOString(),
          act: 'rules.changed',
          message: `${from}${seen === undefined ? ' are' : ' to'} ${digest.slice(0, 12)}.`,
          details: { digest, ...(seen && { before: seen.digest }) },
        }),
      );
      await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.rulesSeen(), digest, revision },
            ...(seen === undefined
              ? { ConditionExpression: condition.isNew }
              : {
                  ConditionExpression: condition.isRevision,
                  ExpressionAttributeValues: { ':expected': seen.revision },
                }),
          }),
        ),
      );
    }
    isNoted = true;
  };
}
