/**
 * The tags of an invocation: how it is found again when the answer to its call was lost, long after its ClientToken
 * has been forgotten, and how a person sees in the console whose it is.
 */
import { type InvocationOptions, OWN_TAG } from '../../model/invocation-options.ts';
import type { Invocation } from '../provider.ts';
import { Tag } from './requests.ts';

/** Carries the invocation's token, so that one filter finds exactly that invocation. */
export const RUN_TAG = 'fleet-reflex-run';
const MAX_TAGS = 20;
const MAX_KEY = 64;
const MAX_VALUE = 128;

/**
 * The token first, then the labels in a form that the vendor takes (one that it would refuse is left out), then the
 * user's own as they are.
 */
export function invocationTags(invocation: Pick<Invocation, 'token' | 'labels' | 'target'>): Tag[] {
  const tags: Tag[] = [{ Key: RUN_TAG, Value: invocation.token }];
  for (const [key, value] of Object.entries(invocation.labels)) {
    const tag = Tag.safeParse({
      Key: key.slice(0, MAX_KEY),
      Value: value.replaceAll(/https?:\/\//g, '').slice(0, MAX_VALUE),
    });
    const isNew = tag.success && !tags.some(({ Key }) => Key === tag.data.Key);
    if (isNew && tags.length < MAX_TAGS) tags.push(tag.data);
  }
  return [...tags, ...userTags(invocation.target.options)];
}

/** Without any that would pass for ours. */
export function userTags(options: InvocationOptions | undefined): Tag[] {
  return Object.entries(options?.tags ?? {})
    .filter(([key]) => !OWN_TAG.test(key))
    .map(([Key, Value]) => ({ Key, Value }));
}
