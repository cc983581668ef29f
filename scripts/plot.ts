/** A line plot as plain SVG: a few series over one axis, both axes linear or logarithmic. */

export interface Plot {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
}

export interface Axis {
  label: string;
  isLog: boolean;
}

export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

interface Scale {
  /** Where a value stands, in pixels. */
  at(value: number): number;
  ticks: readonly number[];
}

const WIDTH = 720;
const HEIGHT = 400;
const BOX = { left: 70, right: WIDTH - 250, top: 40, bottom: HEIGHT - 50 };
/** Told apart without their colours too: each has its dashes and its name at its end. */
const STROKES = [
  { colour: '#0b6e4f', dashes: '' },
  { colour: '#1f4e9e', dashes: '8 3' },
  { colour: '#b3541e', dashes: '3 3' },
  { colour: '#7a1fa2', dashes: '10 3 2 3' },
  { colour: '#555555', dashes: '1 3' },
] as const;
const LABEL_HEIGHT = 15;

export function svgOf({ title, x, y, series }: Plot): string {
  const xs = series.flatMap(({ points }) => points.map(([value]) => value));
  const ys = series.flatMap(({ points }) => points.map(([, value]) => value));
  const across = scaleOf(x, xs, BOX.left, BOX.right);
  const up = scaleOf(y, ys, BOX.bottom, BOX.top);
  const labels = spread(series.map(({ points }) => up.at(points.at(-1)?.[1] ?? 0)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(BOX.left, 22, title, 'font-size="14" font-weight="bold"'),
    ...up.ticks.flatMap((value) => [
      `<line x1="${BOX.left}" x2="${BOX.right}" y1="${pixel(up.at(value))}" y2="${pixel(up.at(value))}" stroke="#dddddd"/>`,
      text(BOX.left - 6, up.at(value) + 4, shown(value), 'text-anchor="end"'),
    ]),
    ...across.ticks.map((value) =>
      text(across.at(value), BOX.bottom + 18, shown(value), 'text-anchor="middle"'),
    ),
    `<path d="M${BOX.left} ${BOX.top}V${BOX.bottom}H${BOX.right}" fill="none" stroke="#333333"/>`,
    text((BOX.left + BOX.right) / 2, BOX.bottom + 38, x.label, 'text-anchor="middle"'),
    text(
      0,
      0,
      y.label,
      `text-anchor="middle" transform="translate(16 ${pixel((BOX.top + BOX.bottom) / 2)}) rotate(-90)"`,
    ),
    ...series.flatMap(({ name, points }, index) => {
      const { colour, dashes } = STROKES[index % STROKES.length] ?? STROKES[0];
      const path = points.map(([px, py]) => `${pixel(across.at(px))} ${pixel(up.at(py))}`).join('L');
      return [
        `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"${dashes === '' ? '' : ` stroke-dasharray="${dashes}"`}/>`,
        ...points.map(
          ([px, py]) =>
            `<circle cx="${pixel(across.at(px))}" cy="${pixel(up.at(py))}" r="3" fill="${colour}"/>`,
        ),
        text(BOX.right + 10, (labels[index] ?? 0) + 4, name, `fill="${colour}"`),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

function scaleOf({ isLog }: Axis, values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (isLog) {
    const first = Math.floor(Math.log10(least));
    const last = Math.max(first + 1, Math.ceil(Math.log10(most)));
    return {
      at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from),
      ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    };
  }
  const step = stepOf(most);
  const end = Math.ceil(most / step) * step;
  return {
    at: (value) => from + (value / end) * (to - from),
    ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step),
  };
}

/** 1, 2 or 5 times a power of ten, for about five ticks. */
function stepOf(most: number): number {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

/** Moves labels apart that would lie on each other, and keeps their order. */
function spread(places: readonly number[]): number[] {
  const placed = [...places];
  let last = -Infinity;
  for (const index of places.map((_, at) => at).toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0))) {
    last = Math.max(placed[index] ?? 0, last + LABEL_HEIGHT);
    placed[index] = last;
  }
  return placed;
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${pixel(x)}" y="${pixel(y)}" ${/fill=/.test(more) ? '' : 'fill="#333333" '}${more}>${escaped(content)}</text>`;
}

function shown(value: number): string {
  return value >= 1000 ? value.toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function pixel(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
