/** The dependencies of `webhook` and `queue`: rules, queues, secrets. They open only what they need, to answer in time. */

import type { SQSClient } from '@aws-sdk/client-sqs';
import { rulesOf } from '#rules';
import { type DoorConfig, environment } from '../config.ts';
import { embeddedMetrics } from '../metrics.ts';
import { recordsQueue } from '../queues/records-queue.ts';
import { runsQueue } from '../queues/runs-queue.ts';
import { wakeUpQueue } from '../queues/wake-up-queue.ts';
import { sourceSecrets } from '../secrets.ts';
import { LOADERS } from '../sources/loaders.ts';
import { chatPort } from './chat.ts';
import { contentsOf } from './contents.ts';
import { logOf } from './log.ts';
import { repliesOf } from './replies.ts';

/** Chats wait three seconds for an answer; a reply must be sent before that. */
const SAY_WITHIN_MS = 1_500;

export function doorParts(service: string, config: DoorConfig, client: SQSClient) {
  const now = () => new Date();
  const log = logOf(service, config);
  return {
    client,
    rules: rulesOf(config),
    runsQueue: runsQueue(client, config.RUNS_QUEUE_URL),
    recordsQueue: recordsQueue(client, config.RECORDS_QUEUE_URL),
    wakeUps: wakeUpQueue(client, config.WAKE_UP_QUEUE_URL, now),
    secrets: sourceSecrets(config, environment),
    sources: LOADERS,
    sourceNamed: async (name: string) => await LOADERS.get(name)?.(),
    log,
    metrics: embeddedMetrics(config.STAGE),
    contents: contentsOf(config),
    keep: config.KEEP_EVENTS,
    chat: chatPort(config),
    say: repliesOf(config, log, SAY_WITHIN_MS).say,
    now,
  };
}
