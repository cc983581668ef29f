/** What several parts of the rules file are made of: durations, templates, regions, clouds. */
import * as z from 'zod';
import { allProviders } from '../../providers/registry.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const CLOUDS = allProviders();
export const CLOUD_NAMES = CLOUDS.map(({ name, title }) => `${name} (${title})`).join(' or ');
export const ProviderName = z.enum(CLOUDS.map(({ name }) => name));

/** Text with `${…}` in it. */
export const Template = z.string().min(1).max(4096);
export const Cel = z.string().min(1).max(4096);

export const Region = z.string().regex(/^[a-z]{2}[a-z0-9-]{1,62}$/, 'expected a region like ap-guangzhou');
