/** Freezes and maintenance windows as people write them. */
import * as z from 'zod';
import { durationBetween } from '../duration.ts';
import { nameOf } from '../name-of.ts';

const MINUTE = 60_000;
const MAX_OPEN = 31 * 24 * 60 * MINUTE;

const WINDOW = {
  name: nameOf('window').describe('Its name, in the reason of every run that it stops.'),
  cron: z
    .string()
    .min(1)
    .max(200)
    .describe(
      'When it opens: five crontab fields (minute, hour, day of month, month, day of week) by the clocks of `zone`; `L` is the last day of a month, `5L` its last Friday. A time that is skipped when the clocks go forward is the moment after; one that comes twice is the first.',
    ),
  zone: z.string().min(1).max(64).describe('The IANA time zone of `cron`: Asia/Shanghai.'),
  for: durationBetween(MINUTE, MAX_OPEN).describe(
    'How long it stays open, 1m to 31d of elapsed time. Openings that touch or overlap are one.',
  ),
};

/** A window of one rule. */
export const WindowSpec = z.strictObject(WINDOW).describe('A window of this rule.');
export type WindowSpec = z.infer<typeof WindowSpec>;

/** A window of the whole file. */
export const FileWindowSpec = z
  .strictObject({
    ...WINDOW,
    except: z
      .array(z.string())
      .default([])
      .describe('The rules and standing schedules that it does not concern. Default: none.'),
  })
  .describe('A window of the whole file.');
export type FileWindowSpec = z.infer<typeof FileWindowSpec>;

const MOST = 100;

/** `freezes` and `only` of the file. */
export const FileWindowSpecs = {
  freezes: z
    .array(FileWindowSpec)
    .max(MOST)
    .default([])
    .describe(
      'Windows in which nothing is sent, like the kill switch at set times. Asked at the moment of every send, whatever the time of the event; `guards.freeze` says what becomes of a run then. Default: none.',
    ),
  only: z
    .array(FileWindowSpec)
    .max(MOST)
    .default([])
    .describe('Maintenance windows: something is sent only while one of them is open. Default: at any time.'),
};

/** `freezes` and `only` of a rule. */
export const RuleWindowSpecs = {
  freezes: z
    .array(WindowSpec)
    .max(MOST)
    .optional()
    .describe('Windows in which nothing of this rule is sent, beside those of the file. Default: none.'),
  only: z
    .array(WindowSpec)
    .min(1)
    .max(MOST)
    .optional()
    .describe(
      'Maintenance windows: this rule sends only while one of them is open, and one of the file, where that has any. Default: at any time.',
    ),
};
