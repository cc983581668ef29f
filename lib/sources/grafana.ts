/**
 * Grafana alerting's webhook contact point: Alertmanager's notification, signed when the contact point has a secret.
 * If a timestamp header is configured, every request must be signed with one; there is no fallback.
 */
import * as z from 'zod';
import type { SourceRequest } from '../http/request.ts';
import { firstText } from '../model/id-parts.ts';
import { verifyAuthorization } from './proofs/bearer.ts';
import { verifyFreshness } from './proofs/freshness.ts';
import { verifyHmac } from './proofs/hmac.ts';
import { AlertGroup, isAlertGroup, normaliseAlertGroup } from './shared/alert-group.ts';
import { defineSource, forged, type SourceContext, type Verification } from './source.ts';

const Settings = z.strictObject({
  signatureHeader: z
    .string()
    .toLowerCase()
    .default('x-grafana-alerting-signature')
    .describe('The contact point’s signature header.'),
  timestampHeader: z
    .string()
    .toLowerCase()
    .optional()
    .describe('The contact point’s timestamp header. Default: none, and no replay window.'),
  windowSeconds: z
    .int()
    .positive()
    .max(86_400)
    .default(300)
    .describe('How far the signed time may differ from ours.'),
});
type Settings = z.infer<typeof Settings>;

export const grafana = defineSource({
  name: 'grafana',
  title: 'Grafana alerting',
  documentation:
    'https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/',
  setup: `*Alerting → Contact points → New*, integration *Webhook*, URL \`https://<your-endpoint>/hooks/grafana\`,
method POST. Under *HMAC signature* set the secret and, for a replay window, a timestamp header, which is then named
here too:

\`\`\`yaml
sources:
  grafana: { timestampHeader: X-Grafana-Alerting-Timestamp }
\`\`\`

Before Grafana 12 use *Authorization header* with scheme \`Bearer\`, or basic authentication, with the secret as the
password. Leave the payload as it is: a custom template is refused unless it keeps \`alerts\`.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-Grafana-Alerting-Signature`, or a bearer token or basic password',
    replayWindow: '5 minutes with a timestamp header; else none',
    eventId: '`fingerprint/startsAt/status` of each alert, and its labels',
  },
  kinds: ['alert'],
  settings: Settings,
  // GET exists there and is never signed.
  methods: ['POST', 'PUT'],
  contentTypes: ['application/json'],
  verify: verifyGrafana,
  payload: AlertGroup,
  normalise: (group, { body }, { now }) =>
    normaliseAlertGroup('grafana', group, { body, now }, (alert) =>
      firstText(alert['panelURL'], alert['dashboardURL'], alert.generatorURL),
    ),
  recognises: (body) => isAlertGroup(body, '1'),
});

function verifyGrafana(
  request: SourceRequest,
  { secrets, settings, now }: SourceContext<Settings>,
): Verification {
  const { signatureHeader: header, timestampHeader, windowSeconds } = settings;
  if (timestampHeader !== undefined) {
    const timestamp = request.headers[timestampHeader];
    if (timestamp === undefined) return forged(`it has no ${timestampHeader} header`);
    const signature = verifyHmac(request, { header, signed: [`${timestamp}:`, request.body], keys: secrets });
    return signature.isAuthentic ? verifyFreshness(timestamp, now, windowSeconds * 1000) : signature;
  }
  const isSigned = request.headers[header] !== undefined;
  return isSigned ? verifyHmac(request, { header, keys: secrets }) : verifyAuthorization(request, secrets);
}
