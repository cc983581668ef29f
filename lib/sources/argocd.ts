/** Argo CD notifications. The sender's body is a template, so the source documents the template that it expects. */
import * as z from 'zod';
import { firstText, joinedId } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { deployEvent } from './shared/build-event.ts';
import { toIsoTime } from './shared/event-time.ts';
import { defineSource } from './source.ts';

/** Go templates print `<no value>` for a missing field. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value === '<no value>' || value === '<nil>' ? undefined : firstText(value)));

const Payload = z.looseObject({
  app: z.string().min(1),
  repo_url: text,
  target_revision: text,
  revision: text,
  phase: text,
  health: text,
  sync_status: text,
  environment: text,
  initiated_by: text,
  started_at: text,
  finished_at: text,
  url: text,
});
type Payload = z.infer<typeof Payload>;

export const argocd = defineSource({
  name: 'argocd',
  title: 'Argo CD',
  documentation: 'https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/',
  setup: `In \`argocd-notifications-cm\` (\`method: POST\` matters: the default is GET), and the secret under
\`fleet-reflex-secret\` in \`argocd-notifications-secret\`:

\`\`\`yaml
service.webhook.fleet-reflex: |
  url: https://<your-endpoint>/hooks/argocd
  headers:
    - { name: Authorization, value: Bearer $fleet-reflex-secret }
    - { name: Content-Type, value: application/json }
template.fleet-reflex: |
  webhook:
    fleet-reflex:
      method: POST
      body: |
        {
          "app": {{toJson .app.metadata.name}},
          "repo_url": {{toJson .app.spec.source.repoURL}},
          "target_revision": {{toJson .app.spec.source.targetRevision}},
          "environment": {{toJson .app.spec.destination.namespace}},
          "revision": {{toJson .app.status.sync.revision}},
          "sync_status": {{toJson .app.status.sync.status}},
          "health": {{toJson .app.status.health.status}},
          "phase": {{toJson .app.status.operationState.phase}},
          "started_at": {{toJson .app.status.operationState.startedAt}},
          "finished_at": {{toJson .app.status.operationState.finishedAt}},
          "url": "{{.context.argocdUrl}}/applications/{{.app.metadata.name}}"
        }
trigger.on-deployed: |
  - when: app.status.operationState.phase in ['Succeeded', 'Failed', 'Error']
    oncePer: app.status.operationState.startedAt
    send: [fleet-reflex]
\`\`\`

\`event.data.status\` is the operation's phase (\`Succeeded\`, \`Failed\`, …) or, without one, the health.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId: 'app, revision, phase and start of the operation',
  },
  kinds: ['deploy'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: Payload,
  normalise(payload, _request, { now }) {
    const verb = payload.phase === undefined ? 'health' : 'sync';
    const status = payload.phase ?? payload.health ?? payload.sync_status;
    const event = deployEvent(
      {
        source: 'argocd',
        id: joinedId([payload.app, payload.revision, status, payload.started_at]),
        verb,
        subject: payload.app,
        time: toIsoTime(payload.finished_at ?? payload.started_at) ?? now.toISOString(),
      },
      {
        action: verb,
        repository: repositoryOf(payload),
        ref: payload.target_revision,
        sha: payload.revision,
        environment: payload.environment,
        status,
        actor: payload.initiated_by,
        url: payload.url,
        raw: payload,
      },
    );
    return { kind: 'events', events: [event] };
  },
});

/** `acme/web` of `https://github.com/acme/web.git` or `git@github.com:acme/web.git`, as the code hosts name it. */
function repositoryOf({ repo_url: url, app }: Payload): string {
  if (url === undefined) return app;
  const path = /^(?:[a-z+]+:\/\/[^/]+\/|[^/@]+@[^:]+:)(.+?)(?:\.git)?\/?$/.exec(url)?.[1];
  return path ?? url;
}
