/** What the backend of a benchmark and its parent tell each other. */
import * as z from 'zod';
import { Counts } from './counting-proxy.ts';

export const TABLES = { RunsTable: 'fleet-reflex-bench', RecordsTable: 'fleet-reflex-bench-records' };
export const PARTS = ['table', 'queues', 'tencent', 'alibaba'] as const;
const ofEachPart = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ table: value, queues: value, tencent: value, alibaba: value });

const Latencies = ofEachPart(z.number());
/** Milliseconds that are added to each request. */
export type Latencies = z.infer<typeof Latencies>;

const AllCounts = ofEachPart(Counts);
export type AllCounts = z.infer<typeof AllCounts>;

/** Each is answered with `Counted`, as it was when it was carried out. */
export const Order = z.strictObject({ id: z.int(), latencies: Latencies.optional() });
export type Order = z.infer<typeof Order>;

export const Counted = z.strictObject({ id: z.int(), counts: AllCounts });
export type Counted = z.infer<typeof Counted>;

export const Ready = z.strictObject({
  /** Past the proxies: for what is not to be counted. */
  direct: z.strictObject({ queues: z.string(), tencent: z.string() }),
  proxied: ofEachPart(z.string()),
  /** By logical id, as the queues themselves name them. */
  queueUrls: z.record(z.string(), z.string()),
});
export type Ready = z.infer<typeof Ready>;
