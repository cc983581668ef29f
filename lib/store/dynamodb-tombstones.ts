/**
 * Tombstones on the table of the runs. Only the newest of a kind is needed, for it reaches whatever an older one does:
 * - what no alert's end asked for: a claim, as earlier versions left it
 * - what the end of an alert asked for, seen from runs of no episode or of another source: one for each source, in one
 *   item, for it cannot be known which sources there are
 * - the same, seen from runs of that episode: an item for each episode
 * - what the end of an alert asked for whose beginning nobody tells: for each source the newest by our clock, and the
 *   newest by the sender's, for an end that comes late reaches less than the one before it
 */
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type Episode, episodeEnded } from '../model/episode.ts';
import { getAll, type Item, type ItemKey } from './batch.ts';
import { condition, expiresAt, key } from './table.ts';
import type { Aim, Tombstone, TombstoneStore } from './tombstones.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

/** Of the claim that earlier versions left: `runId` is who, and `at` when. */
const Plain = z.looseObject({ runId: z.string(), at: z.iso.datetime(), until: z.iso.datetime() });
const Mark = z.looseObject({
  by: z.string(),
  at: z.iso.datetime(),
  until: z.iso.datetime(),
  type: z.string(),
  /** When the end happened, by the sender's clock. */
  time: z.string(),
});
type Mark = z.infer<typeof Mark>;

/** The attribute of the mark of a source, in the item of the ends of alerts. */
const OF_SOURCE = 'source:';
const OF_EPISODE = 'episode';
/** The attributes of an end without a beginning, by the clock that orders them; in the same item as those of sources. */
const ENDED = { at: 'arrived:', time: 'ended:' } as const;

export function dynamoTombstones({
  client,
  table,
}: {
  client: DynamoDBDocumentClient;
  table: string;
}): TombstoneStore {
  const keepNewest = async (
    itemKey: Record<string, string>,
    attribute: string,
    mark: Mark,
    newestBy: 'at' | 'time' = 'at',
  ): Promise<void> => {
    await unlessConditionFails(
      client.send(
        new UpdateCommand({
          TableName: table,
          Key: itemKey,
          UpdateExpression: 'SET #mark = :mark, #expiresAt = :expiresAt',
          ConditionExpression: condition.isMarkNewer,
          ExpressionAttributeNames: { '#mark': attribute, '#at': newestBy, '#expiresAt': 'expiresAt' },
          ExpressionAttributeValues: {
            ':mark': mark,
            ':at': mark[newestBy],
            ':expiresAt': expiresAt(new Date(mark.until), 1),
          },
        }),
      ),
    );
  };

  return {
    async leaveTombstone(aim, { by, requestedAt, trigger }, until) {
      const { source, type } = trigger;
      const ended = episodeEnded(trigger);
      const times = { at: new Date(requestedAt).toISOString(), until: until.toISOString() };
      if (ended === undefined && trigger.endsAt !== undefined) {
        const mark = { ...times, by, type, time: trigger.endsAt };
        await Promise.all([
          keepNewest(key.endsOfAlerts(aim), `${ENDED.at}${source}`, mark, 'at'),
          keepNewest(key.endsOfAlerts(aim), `${ENDED.time}${source}`, mark, 'time'),
        ]);
        return;
      }
      if (ended === undefined) {
        await unlessConditionFails(
          client.send(
            new UpdateCommand({
              TableName: table,
              Key: key.tombstone(aim),
              UpdateExpression: 'SET runId = :by, #at = :at, #until = :until, #expiresAt = :expiresAt',
              ConditionExpression: condition.isNewer,
              ExpressionAttributeNames: { '#at': 'at', '#until': 'until', '#expiresAt': 'expiresAt' },
              ExpressionAttributeValues: {
                ':by': by,
                ':at': times.at,
                ':until': times.until,
                ':expiresAt': expiresAt(until, 1),
              },
            }),
          ),
        );
        return;
      }
      const mark = { ...times, by, type, time: ended.time };
      await Promise.all([
        keepNewest(key.endsOfAlerts(aim), `${OF_SOURCE}${source}`, mark),
        keepNewest(key.endOfEpisode(aim, source, ended), OF_EPISODE, mark),
      ]);
    },

    async tombstones(aim, trigger, now) {
      const items = await getAll({ client, table }, tombstoneKeys(aim, trigger));
      const at: ItemAt = ({ pk, sk }) => items.find((item) => item['pk'] === pk && item['sk'] === sk);
      return readTombstones(at, aim, trigger, now);
    },
  };
}

type Seen = Pick<Tombstone['trigger'], 'source' | 'episode'>;
type ItemAt = (itemKey: ItemKey) => Item | undefined;

/** Where the tombstones are that may be for a run with this trigger. */
export function tombstoneKeys(aim: Aim, { source, episode }: Seen): ItemKey[] {
  const own = episode === undefined ? [] : [key.endOfEpisode(aim, source, episode)];
  return [key.tombstone(aim), key.endsOfAlerts(aim), ...own];
}

/** Those that are not over. */
export function readTombstones(at: ItemAt, aim: Aim, { source, episode }: Seen, now: Date): Tombstone[] {
  const own = episode && at(key.endOfEpisode(aim, source, episode));
  const found = [
    ...plainIn(at(key.tombstone(aim)) ?? {}),
    ...endsIn(at(key.endsOfAlerts(aim)) ?? {}),
    ...ownIn(own ?? {}, source, episode),
  ];
  return found.flatMap(({ until, ...tombstone }) => (until > now.toISOString() ? [tombstone] : []));
}

type Found = Tombstone & { until: string };

function plainIn(item: Readonly<Record<string, unknown>>): Found[] {
  if (item['until'] === undefined) return [];
  const { runId, at, until } = Plain.parse(item);
  return [{ by: runId, requestedAt: at, until, trigger: { source: '', type: '' } }];
}

/** As seen from a run that is not of the episode: nothing but the time counts, unless the source is the same. */
function endsIn(item: Readonly<Record<string, unknown>>): Found[] {
  return Object.entries(item).flatMap(([name, value]) => {
    if (name.startsWith(OF_SOURCE)) {
      return [foundAs(Mark.parse(value), name.slice(OF_SOURCE.length), ANY_EPISODE)];
    }
    const prefix = Object.values(ENDED).find((it) => name.startsWith(it));
    return prefix === undefined ? [] : [endedAs(Mark.parse(value), name.slice(prefix.length))];
  });
}

function endedAs({ by, at, until, type, time }: Mark, source: string): Found {
  return { by, requestedAt: at, until, trigger: { source, type, endsAt: time } };
}

/** For runs without an alert; the item of a source decides about that source's episodes. */
const ANY_EPISODE = { alert: '', startsAt: '' };

function ownIn(
  item: Readonly<Record<string, unknown>>,
  source: string,
  episode: Episode | undefined,
): Found[] {
  const mark = item[OF_EPISODE];
  return mark === undefined || episode === undefined ? [] : [foundAs(Mark.parse(mark), source, episode)];
}

function foundAs(
  { by, at, until, type, time }: Mark,
  source: string,
  { alert, startsAt }: Pick<Episode, 'alert' | 'startsAt'>,
): Found {
  return { by, requestedAt: at, until, trigger: { source, type, episode: { alert, startsAt, time } } };
}
