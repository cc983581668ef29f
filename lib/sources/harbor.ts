/** Harbor: artifacts pushed, scanned, replicated and deleted, in its own format and as CloudEvents. */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization, verifyHeader } from './proofs/bearer.ts';
import { deployEvent } from './shared/build-event.ts';
import { contentHash } from './shared/content-hash.ts';
import { toIsoTime } from './shared/event-time.ts';
import { defineSource } from './source.ts';

const text = z.string().nullish();

const Data = z
  .looseObject({
    resources: z
      .array(
        z.looseObject({ digest: text, tag: text, resource_url: text, scan_overview: z.unknown().optional() }),
      )
      .nullish(),
    repository: z.looseObject({ repo_full_name: text, name: text, namespace: text }).nullish(),
  })
  .nullish();

const Payload = z.looseObject({
  type: z.string(),
  operator: text,
  /** The default format … */
  occur_at: z.number().nullish(),
  event_data: Data,
  /** … and CloudEvents. */
  id: z.string().nullish(),
  time: z.string().nullish(),
  data: Data,
});

/** Our verbs for Harbor's event types, in either format. Pulls, quotas and retention start nothing. */
const VERBS: ReadonlyMap<string, string> = new Map([
  ['PUSH_ARTIFACT', 'push'],
  ['harbor.artifact.pushed', 'push'],
  ['DELETE_ARTIFACT', 'delete'],
  ['harbor.artifact.deleted', 'delete'],
  ['SCANNING_COMPLETED', 'scan_completed'],
  ['harbor.scan.completed', 'scan_completed'],
  ['SCANNING_FAILED', 'scan_failed'],
  ['harbor.scan.failed', 'scan_failed'],
]);

export const harbor = defineSource({
  name: 'harbor',
  title: 'Harbor',
  documentation:
    'https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/',
  setup: `In the project: *Webhooks → New webhook*, notify type *http*, payload format *Default* or *CloudEvents*,
endpoint \`https://<your-endpoint>/hooks/harbor\`, auth header \`Bearer <secret>\` (the secret alone works too), events
*Artifact pushed* and, if rules need them, *deleted* and *scanning finished / failed*.

One event for each artifact: the tag is \`event.data.ref\`, the digest \`event.data.sha\`.`,
  facts: {
    proof: 'its auth header',
    replayWindow: 'none',
    eventId: 'type, digest, tag and time; a CloudEvent’s `id`',
  },
  kinds: ['deploy'],
  settings: z.strictObject({}),
  contentTypes: ['application/json', 'application/cloudevents+json'],
  verify(request, { secrets }) {
    // The configured value is sent as it is: with a scheme where the operator typed one.
    const whole = verifyHeader(request, 'authorization', secrets);
    return whole.isAuthentic ? whole : verifyAuthorization(request, secrets);
  },
  payload: Payload,
  normalise(payload, _request, { now }) {
    const verb = VERBS.get(payload.type);
    const data = payload.data ?? payload.event_data;
    const resources = data?.resources ?? [];
    if (verb === undefined || resources.length === 0) {
      return { kind: 'ignored', because: `Harbor’s event ${payload.type} starts nothing` };
    }
    const repository = firstText(data?.repository?.repo_full_name, data?.repository?.name) ?? '';
    const time = toIsoTime(payload.time ?? payload.occur_at) ?? now.toISOString();
    const events = resources.map(({ digest, tag, resource_url: url }, index) => {
      const id = !payload.id
        ? joinedId([payload.type, repository, digest, tag, payload.occur_at])
        : resources.length === 1
          ? payload.id
          : joinedId([payload.id, index]);
      return deployEvent(
        { source: 'harbor', id, verb, time },
        {
          action: verb,
          repository,
          ref: firstText(tag),
          sha: firstText(digest),
          actor: firstText(payload.operator),
          url: firstText(url),
          raw: payload,
        },
      );
    });
    // The sender chooses the id of a CloudEvent; the default format's id is derived from the content.
    const hashes = resources.map(({ digest, tag }) =>
      contentHash({ type: payload.type, repository, digest, tag }),
    );
    return { kind: 'events', events, ...(payload.id && { contents: { hashes, isSigned: false } }) };
  },
});
