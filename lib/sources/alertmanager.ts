/** Prometheus Alertmanager, webhook version 4. It is unsigned: a bearer token or basic password authenticates it. */
import * as z from 'zod';
import { verifyAuthorization } from './proofs/bearer.ts';
import { AlertGroup, isAlertGroup, normaliseAlertGroup } from './shared/alert-group.ts';
import { defineSource } from './source.ts';

export const alertmanager = defineSource({
  name: 'alertmanager',
  title: 'Prometheus Alertmanager',
  documentation: 'https://prometheus.io/docs/alerting/latest/configuration/#webhook_config',
  setup: `Add a receiver to \`alertmanager.yml\`:

\`\`\`yaml
receivers:
  - name: fleet-reflex
    webhook_configs:
      - url: https://<your-endpoint>/hooks/alertmanager
        send_resolved: true
        http_config:
          authorization: { type: Bearer, credentials_file: /etc/alertmanager/fleet-reflex-secret }
\`\`\`

Basic authentication works too: any user, the secret as the password. Each alert of a group is a separate event;
its id is \`fingerprint/startsAt/status\`, so a repeated notification (\`repeat_interval\`) starts nothing. An alert
that has been firing for 30 days is refused as \`event.stale\`. Alerts that \`max_alerts\` cut off are reported as
\`alerts.truncated\`. Alertmanager retries only after 5xx.`,
  facts: {
    proof: 'a bearer token or basic password',
    replayWindow: 'none',
    eventId:
      '`fingerprint/startsAt/status` of each alert; its labels where the fingerprint is not made of them',
  },
  kinds: ['alert'],
  settings: z.strictObject({}),
  contentTypes: ['application/json'],
  verify: (request, { secrets }) => verifyAuthorization(request, secrets),
  payload: AlertGroup,
  normalise: (group, { body }, { now }) => normaliseAlertGroup('alertmanager', group, { body, now }),
  recognises: (body) => isAlertGroup(body, '4'),
});
