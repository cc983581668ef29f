/**
 * All that may forbid a send, in one consistent read immediately before it: the kill switch, the cancels that overtook
 * the run, and the run as it is stored. Who cancels leaves word first and looks for the run then, and the run is stored
 * before this is read: one of the two sees the other.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { guardKey } from '../model/guard-key.ts';
import type { Run } from '../model/run.ts';
import { getAll } from './batch.ts';
import { readFreeze } from './dynamodb-guard-store.ts';
import { readTombstones, tombstoneKeys } from './dynamodb-tombstones.ts';
import type { Freeze } from './guard-store.ts';
import { readRun } from './run-item.ts';
import { key } from './table.ts';
import type { Tombstone } from './tombstones.ts';

export interface LastLook {
  freeze: Freeze | undefined;
  /** Those that may be for the run, and are not over. */
  tombstones: Tombstone[];
  /** As it is stored. */
  run: Run | undefined;
}

/** Reads it for a run that is about to be sent. */
export type TakeLastLook = (run: Run, now: Date) => Promise<LastLook>;

export function dynamoLastLook(options: { client: DynamoDBDocumentClient; table: string }): TakeLastLook {
  return async (run, now) => {
    const aims = [...new Set([undefined, guardKey(run)])].map((aimed) => ({ rule: run.rule, key: aimed }));
    const items = await getAll(options, [
      key.freeze(),
      key.run(run.runId),
      ...aims.flatMap((aim) => tombstoneKeys(aim, run.trigger)),
    ]);
    const at = ({ pk, sk }: { pk: string; sk: string }) =>
      items.find((item) => item['pk'] === pk && item['sk'] === sk);
    const stored = at(key.run(run.runId));
    return {
      freeze: readFreeze(at(key.freeze()), now),
      tombstones: aims.flatMap((aim) => readTombstones(at, aim, run.trigger, now)),
      run: stored && readRun(stored),
    };
  };
}
