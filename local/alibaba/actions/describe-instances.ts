import { apiError, invalidParameter } from '../api-error.ts';
import type { Action } from '../cloud.ts';
import { pageOf } from '../paging.ts';

const STATES = { running: 'Running', stopped: 'Stopped', pending: 'Pending' } as const;
const MOST = 100;
/** The vendor takes any number, and answers so many at least. */
const LEAST = 10;

/** Of an instance. */
const MAX_KEY = 128;

/** The ECS instances, as far as they are asked for by ids, state and tags. */
export const describeInstances: Action = ({ parameters, regionId }, cloud) => {
  const hasTags = parameters.tagFilter('Tag', MAX_KEY);
  const ids = idsOf(parameters.text('InstanceIds'));
  const status = parameters.oneOf('Status', [...Object.values(STATES), 'Starting', 'Stopping']);
  if (parameters.flag('DryRun') === true) throw apiError('DryRunOperation');
  const instances = cloud
    .instancesIn(regionId)
    .filter(({ kind }) => kind === 'ECS')
    .filter(({ id }) => ids === undefined || ids.includes(id))
    .filter(({ state }) => status === undefined || STATES[state] === status)
    .filter(({ tags }) => hasTags(Object.entries(tags).map(([key, value]) => ({ key, value }))));
  const { entries, fields } = pageOf(
    parameters,
    instances,
    (one) => [instances.length - instances.indexOf(one)],
    {
      least: LEAST,
      most: MOST,
    },
  );
  return {
    ...fields,
    Instances: {
      Instance: entries.map(({ id, name, state, os, tags }) => ({
        InstanceId: id,
        InstanceName: name,
        RegionId: regionId,
        Status: STATES[state],
        OSType: os,
        Tags: { Tag: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })) },
      })),
    },
  };
};

/** A JSON array of at most 100 ids; an empty one asks for none. */
function idsOf(text: string | undefined): readonly unknown[] | undefined {
  if (text === undefined) return undefined;
  try {
    const ids: unknown = JSON.parse(text);
    if (Array.isArray(ids) && ids.length <= MOST) return ids;
  } catch {
    // Refused below, as what is no list is.
  }
  throw invalidParameter('InstanceIds');
}
