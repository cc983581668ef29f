/** What fleet-reflex tells of a cloud comes to the same queue as its completion events, and starts nothing. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fleetReflex } from '../../../lib/sources/fleet-reflex.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

it.each(['unavailable', 'available'])('fleet-reflex.provider.%s is ignored, and not set aside', (status) => {
  const body = readFileSync(new URL(`../../../events/provider.${status}.json`, import.meta.url), 'utf8');
  const context = { secrets: [], now: new Date(), settings: settingsOf(fleetReflex) };
  expect(fleetReflex.receiveMessage(requestOfMessage(body), context)).toEqual({
    kind: 'ignored',
    because: `fleet-reflex.provider.${status} is of a cloud and not of a run: it starts nothing`,
  });
});
