/**
 * What Gitea and its fork Forgejo send: GitHub's payloads under their own signature. They send GitHub's headers too,
 * so only the path says which source a request is for.
 */
import * as z from 'zod';
import { firstText } from '../../model/id-parts.ts';
import { commentToChat, IssueComment } from '../github/comment.ts';
import {
  accountOf,
  DEPLOY_EVENTS,
  type DeployFacts,
  eventOf,
  giteaWorkflowRun,
  Login,
  whyUnused,
} from '../github/events.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { deployEvent } from '../shared/build-event.ts';
import { bodyId } from '../shared/delivery-id.ts';
import { checkPayload, defineSource, type Source, type SourceFacts } from '../source.ts';

const Settings = z.strictObject({
  bot: z
    .string()
    .regex(/^[\w-]+$/)
    .default('fleet-reflex')
    .describe('The name to mention in a comment, without the @.'),
  command: z.string().startsWith('/').default('/fleet').describe('The command that a mention stands for.'),
  commenters: z
    .array(z.string())
    .default([])
    .describe(
      'The login names whose comments are commands; `*` is everybody who may comment. The payload does not reveal membership, so the default is none. Names can be changed and taken by others: restrict rules by `allow`, with ids.',
    ),
});

const text = z.string().nullish();

/** Unlike GitHub's, a package has its version as text. */
const packageEvent = z
  .looseObject({
    action: text,
    repository: z.looseObject({ full_name: text }).nullish(),
    package: z.looseObject({ name: text, version: text, html_url: text }),
    sender: Login,
  })
  .transform(
    ({ action, repository, package: it, sender }): DeployFacts => ({
      verb: 'package',
      action: action ?? 'package',
      repository: firstText(repository?.full_name, it.name) ?? '',
      ref: firstText(it.version),
      ...accountOf(sender),
      url: firstText(it.html_url),
    }),
  );

const EVENTS: ReadonlyMap<string, z.ZodType<DeployFacts>> = new Map<string, z.ZodType<DeployFacts>>([
  ...[...DEPLOY_EVENTS].filter(([name]) => ['push', 'release'].includes(name)),
  ['workflow_run', giteaWorkflowRun],
  ['package', packageEvent],
]);

interface Flavour {
  name: string;
  title: string;
  documentation: string;
  setup: string;
  facts: SourceFacts;
  /** Of its headers, its own first: `x-forgejo-`, `x-gitea-`. */
  prefixes: readonly [string, ...string[]];
}

export function defineGiteaSource({ prefixes, ...about }: Flavour): Source {
  const headerOf = (
    headers: Readonly<Record<string, string | undefined>>,
    name: string,
  ): string | undefined =>
    prefixes.map((prefix) => headers[prefix + name]).find((value) => value !== undefined);
  return defineSource({
    ...about,
    kinds: ['deploy', 'chat'],
    settings: Settings,
    // The signature covers the JSON and not the bytes on the wire: a form or a query cannot be checked.
    contentTypes: ['application/json'],
    verify: (request, { secrets }) =>
      verifyHmac(request, {
        header: `${prefixes.find((prefix) => request.headers[`${prefix}signature`] !== undefined) ?? prefixes[0]}signature`,
        keys: secrets,
      }),
    payload: z.looseObject({}),
    normalise(payload, request, { now, settings }) {
      const { commenters, ...mention } = settings;
      const said = headerOf(request.headers, 'event');
      const event = eventOf(payload, said);
      const ids = { id: bodyId(request.body), deliveryid: headerOf(request.headers, 'delivery') };
      if (event === 'issue_comment') {
        const comment = checkPayload(about.name, IssueComment, payload);
        const login = comment.comment.user?.login ?? '';
        const mayCommand = commenters.includes('*') || commenters.includes(login);
        if (!mayCommand) return { kind: 'ignored', because: `the user ${login} may not command` };
        return commentToChat(comment, { source: about.name, ...ids, now, raw: payload, ...mention });
      }
      const schema = event === undefined ? undefined : EVENTS.get(event);
      if (schema === undefined) {
        return { kind: 'ignored', because: whyUnused(about.title, said) };
      }
      const { verb, time, ...facts } = checkPayload(about.name, schema, payload);
      const envelope = { source: about.name, ...ids, verb, time: time ?? now.toISOString() };
      return { kind: 'events', events: [deployEvent(envelope, { ...facts, raw: payload })] };
    },
  });
}
