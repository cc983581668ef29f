/** Writes the tables of docs/performance.md between its marks, and its plots, from what `npm run bench` recorded. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type Axis, type Series, svgOf } from '../plot.ts';

const PATH = 'docs/performance.md';
const TABLE = /(<!-- bench: ([a-z-]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g;

const Recorded = z.strictObject({ recordedAt: z.string(), node: z.string(), cores: z.int() });
/** Numbers beside `ours` are peers and limits, or where the figure stands on an axis (`AXES`). */
const Figure = z
  .object({ bench: z.string(), figure: z.string(), unit: z.string().default(''), ours: z.number() })
  .catchall(z.unknown());
type Figure = z.infer<typeof Figure>;

const AXES = ['instances', 'runs', 'rules', 'days'] as const;
type AxisName = (typeof AXES)[number];
const OWN_FIELDS = new Set(['bench', 'figure', 'unit', 'better', 'ours', 'ratio', 'rounds', ...AXES]);

interface PlotSpec {
  file: string;
  bench: string;
  title: string;
  over: AxisName;
  x: Axis;
  y: Axis;
  /** Name of a series, and the figure and field that it is made of. */
  series: readonly (readonly [name: string, figure: string, field?: string])[];
}

const RUNS_LOG: Axis = { label: 'runs in flight', isLog: true };
const PLOTS: readonly PlotSpec[] = [
  {
    file: 'in-flight',
    bench: 'in-flight',
    title: 'From the end of a command to its completion event',
    over: 'runs',
    x: RUNS_LOG,
    y: { label: 'ms', isLog: true },
    series: [
      ['p50', 'told after the end, p50'],
      ['p99', 'told after the end, p99'],
      ['a loop each 5 s, p50', 'told after the end, p50', 'a loop each 5 s'],
      ['a loop each 5 s, p99', 'told after the end, p99', 'a loop each 5 s'],
    ],
  },
  {
    file: 'requests',
    bench: 'in-flight',
    title: 'Requests to the cloud for each run',
    over: 'runs',
    x: RUNS_LOG,
    y: { label: 'requests per run', isLog: true },
    series: [
      ['the poller', 'requests to the cloud'],
      ['a loop each 5 s', 'requests to the cloud', 'a loop each 5 s'],
      ['the least: each page once', 'requests to the cloud', 'the least: each page of outputs once'],
    ],
  },
  {
    file: 'tasks',
    bench: 'run-cost',
    title: 'What a run on more instances costs',
    over: 'instances',
    x: { label: 'instances of a run', isLog: true },
    y: { label: 'per run', isLog: true },
    series: [
      ['table writes', 'table writes, runs at once'],
      ['table reads', 'table reads, runs at once'],
      ['queue calls', 'queue calls, runs at once'],
      ['cloud calls', 'cloud calls, runs at once'],
    ],
  },
  {
    file: 'rules',
    bench: 'rules',
    title: 'CPU of one event against rules of its source',
    over: 'rules',
    x: { label: 'rules of the source', isLog: true },
    y: { label: 'ms of CPU', isLog: true },
    series: [
      ['decided, by index', 'an event'],
      ['decided, nothing to index', 'an event, rules without a constant to index by'],
      ['every reason read', 'an event, every reason read'],
      ['json-rules-engine', 'an event', 'json-rules-engine'],
    ],
  },
  {
    file: 'records',
    bench: 'records',
    title: 'Reading a page as records pile up',
    over: 'days',
    x: { label: 'days of records', isLog: false },
    y: { label: 'read units', isLog: true },
    series: [
      ['the newest runs', 'the newest runs, read units'],
      ['the newest of one rule', 'the newest runs of one rule, read units'],
      ['the newest decisions', 'the newest decisions, read units'],
      ['a scan of the runs', 'the newest runs, read units', 'a scan of the table'],
    ],
  },
  {
    file: 'prices',
    bench: 'prices',
    title: 'A month at list prices, ten events for each run',
    over: 'runs',
    x: { label: 'runs a month', isLog: true },
    y: { label: 'US dollars', isLog: true },
    series: [
      ['fleet-reflex, idle included', 'by runs, ten events for each'],
      ['SSM Automation', 'by runs, ten events for each', 'SSM Automation'],
      ['a t4g.micro, always on', 'by runs, ten events for each', 'a t4g.micro that is always on'],
    ],
  },
];

export async function generate(): Promise<{ path: string; content: string }[]> {
  const read = async (path: string) => await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const [first = '', ...lines] = (await read('bench/results.jsonl')).trimEnd().split('\n');
  const { recordedAt, node, cores } = Recorded.parse(JSON.parse(first));
  const figures = lines.flatMap((line) => Figure.safeParse(JSON.parse(line)).data ?? []);
  const page = (await read(PATH))
    .replace(TABLE, (_, start, bench, end) => `${start}${tableOf(figures, bench)}${end}`)
    .replace(/^Recorded on.*$/m, `Recorded on ${recordedAt} with Node ${node} on ${cores} cores.`);
  const plots = PLOTS.map((plot) => ({
    path: `docs/performance/${plot.file}.svg`,
    content: svgOf({ ...plot, series: seriesOf(plot, figures) }),
  }));
  return [{ path: PATH, content: page }, ...plots];
}

function tableOf(figures: readonly Figure[], bench: string): string {
  const rows = figures
    .filter((figure) => figure.bench === bench)
    .map((figure) => {
      const beside = Object.entries(figure).flatMap(([name, value]) =>
        OWN_FIELDS.has(name) || typeof value !== 'number' ? [] : [`${name}: ${shown(value)}`],
      );
      const at = AXES.flatMap((axis) =>
        figure[axis] === undefined ? [] : [`${shown(figure[axis])} ${axis}`],
      );
      const what = [figure.figure, ...at].join(', ');
      return `| ${what} | ${shown(figure.ours)} ${figure.unit} | ${beside.join('; ')} |`;
    });
  return ['| figure | ours | beside |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function seriesOf({ bench, over, series, x, y }: PlotSpec, figures: readonly Figure[]): Series[] {
  return series.map(([name, figure, field = 'ours']) => ({
    name,
    points: figures.flatMap((one) => {
      const [at, value] = [one[over], one[field]];
      if (one.bench !== bench || one.figure !== figure) return [];
      if (typeof at !== 'number' || typeof value !== 'number') return [];
      // Nothing is at zero on a logarithmic axis.
      return (x.isLog && at === 0) || (y.isLog && value === 0) ? [] : [[at, value] as const];
    }),
  }));
}

function shown(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumSignificantDigits: 3 }) : '';
}
