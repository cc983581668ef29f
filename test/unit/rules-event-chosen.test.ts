// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** Which fields of a compiled rule an event chooses. */
import { expect, test } from 'vitest';
import { aRule } from './rules-events.ts';

test.each([
  ['an id in the file', 'instances: ins-1', false],
  ['ids in the file', 'instances: [ins-1, ins-2]', false],
  ['an id of the event', "instances: '${event.data.labels.instance_id}'", true],
  ['a part of an id', "instances: 'ins-${event.data.labels.instance}'", true],
  ['one of several', "instances: [ins-1, '${event.data.labels.instance_id}']", true],
])('%s: whether the event chooses the instances', (_what, run, isFromEvent) => {
  expect(aRule(run).action).toMatchObject({ kind: 'run', isInstancesFromEvent: isFromEvent });
});
