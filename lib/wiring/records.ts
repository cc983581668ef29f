/** The dependencies of the function that stores records: a queue and a table, and no clouds. */
import type { RecordsConfig } from '../config.ts';
import { embeddedMetrics } from '../metrics.ts';
import { dynamoAuditLog } from '../store/dynamodb-audit-log.ts';
import { dynamoEventLog } from '../store/dynamodb-event-log.ts';
import type { awsClients } from './clients.ts';
import { logOf } from './log.ts';

export function recordsParts(
  service: string,
  config: RecordsConfig,
  { client, documents }: ReturnType<typeof awsClients>,
) {
  return {
    client,
    events: dynamoEventLog({ client: documents, recordsTable: config.RECORDS_TABLE }),
    audit: dynamoAuditLog({
      client: documents,
      recordsTable: config.RECORDS_TABLE,
      days: config.AUDIT_DAYS,
    }),
    log: logOf(service, config),
    metrics: embeddedMetrics(config.STAGE),
  };
}
