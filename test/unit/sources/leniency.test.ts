/**
 * The fields that each source cannot do without. A vendor sends null, leaves out, or adds as it likes: everything
 * else in the samples may be null or missing, and the payload is still taken.
 */

import { describe, expect, it } from 'vitest';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { NOW, type Sample, samplesOf, signerOf } from '../../fixtures/signed-requests.ts';

const REQUIRED: Record<string, string[]> = {
  'alertmanager.json': ['alerts', 'alerts.0'],
  'alertmanager.resolved.json': ['alerts', 'alerts.0'],
  'alibaba-cloudmonitor.event.json': ['product', 'name'],
  'alibaba-cloudmonitor.metric.json': ['alertState'],
  'argocd.json': ['app'],
  'bitbucket.commit_status.json': ['repository', 'repository.full_name', 'commit_status'],
  'bitbucket.push.json': [
    'repository',
    'repository.full_name',
    'push',
    'push.changes',
    'push.changes.0',
    'push.changes.0.new.name',
    'push.changes.0.old.name',
  ],
  'bitbucket.refs_changed.json': [
    'repository',
    'repository.slug',
    'repository.project',
    'repository.project.key',
    'changes',
    'changes.0',
    'changes.0.ref',
    'changes.0.ref.id',
  ],
  'cloud-assistant.json': ['id', 'type'],
  'cloudevents.json': ['specversion', 'id', 'source', 'type'],
  'cloudwatch.json': [
    'id',
    'detail-type',
    'source',
    'detail',
    'detail.configuration.metrics.0',
    'detail.state.value',
  ],
  'datadog.json': [],
  'dockerhub.json': ['push_data', 'repository', 'repository.repo_name'],
  'fleet-reflex.json': [
    'specversion',
    'id',
    'type',
    'source',
    'data',
    'data.runId',
    'data.rule',
    'data.provider',
    'data.status',
  ],
  'forgejo.push.json': ['ref'],
  'generic.json': [],
  'gitea.push.json': ['ref'],
  'gitea.release.json': ['release'],
  'github.check_suite.json': ['check_suite'],
  'github.deployment.json': ['deployment'],
  'github.deployment_status.json': ['deployment_status', 'deployment'],
  'github.issue_comment.json': [
    'action',
    'issue',
    'issue.number',
    'comment',
    'comment.user.login',
    'comment.user.id',
    'repository',
    'repository.full_name',
  ],
  'github.package.json': ['package'],
  'github.push.json': ['ref'],
  'github.release.json': ['release'],
  'github.repository_dispatch.json': [],
  'github.workflow_run.json': ['workflow_run'],
  'gitlab.deployment.json': ['status', 'project', 'project.path_with_namespace'],
  'gitlab.note.json': [
    'user',
    'user.username',
    'project',
    'project.path_with_namespace',
    'object_attributes',
  ],
  'gitlab.pipeline.json': [
    'object_attributes',
    'object_attributes.status',
    'project',
    'project.path_with_namespace',
  ],
  'gitlab.push.json': ['ref', 'project', 'project.path_with_namespace'],
  'gitlab.release.json': ['project', 'project.path_with_namespace'],
  'grafana.json': ['alerts', 'alerts.0'],
  'harbor.cloudevents.json': ['type', 'data.resources.0'],
  'harbor.json': ['type', 'event_data.resources.0'],
  'opsgenie.json': ['action'],
  'pagerduty.json': ['event', 'event.event_type'],
  'sentry.event_alert.json': ['action', 'data', 'data.event'],
  'sentry.metric_alert.json': ['action', 'data', 'data.metric_alert'],
  'slack.action.json': ['payload'],
  'slack.app_mention.json': ['event', 'event.type', 'type'],
  'slack.json': ['user_id', 'command'],
  'sns.json': [
    'Type',
    'MessageId',
    'TopicArn',
    'Message',
    'Timestamp',
    'SignatureVersion',
    'Signature',
    'SigningCertURL',
  ],
  'standard-webhooks.json': [],
  'tencent-monitor.event.json': ['alarmStatus'],
  'tencent-monitor.metric.json': ['alarmStatus'],
  'uptime-kuma.json': ['heartbeat.status'],
  'zabbix.json': ['event_id', 'event_value'],
};

function understands({ source }: Sample, value: unknown): boolean {
  const { secrets, settings } = signerOf(source);
  try {
    sourceNamed(source)?.receiveMessage(requestOfMessage(JSON.stringify(value)), {
      secrets,
      now: NOW,
      settings,
    });
    return true;
  } catch {
    return false;
  }
}

/** The paths below which nulling or removing a value makes the payload unreadable; the shallowest of each branch. */
function requiredPaths(sample: Sample): string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      const here = [...path, key];
      const isRequired = [null, undefined].some(
        (hole) => !understands(sample, withHole(sample.value, here, hole)),
      );
      if (isRequired) found.push(here.join('.'));
      walk(item, here);
    }
  };
  walk(sample.value, []);
  return found;
}

function withHole(value: unknown, path: readonly string[], hole: null | undefined): unknown {
  const copy: unknown = structuredClone(value);
  let at = copy;
  for (const key of path.slice(0, -1)) at = Object(at)[key];
  Object(at)[path.at(-1) ?? ''] = hole;
  return copy;
}

describe('null or missing, anything but', () => {
  it.each(Object.entries(REQUIRED))('in %s: %j', (file, required) => {
    const sample = samplesOf(file.split('.', 1)[0] ?? '').find((it) => it.file === file);
    if (sample === undefined) throw new Error(`no sample ${file}`);
    expect(requiredPaths(sample)).toEqual(required);
  });
});
