/** A run's message as one text, within a chat's limit: only the beginnings of outputs are cut. */
import { type Markup, mark } from './chat-markup.ts';
import type { RunMessage } from './run-message.ts';

/** Further outputs are only in the completion events. */
const MAX_OUTPUTS = 6;
const MAX_OUTPUT = 1500;
const MAX_SCRIPT = 2500;
/** What fences and line feeds take of the limit, for each output. */
const AROUND = 16;

export interface TextStyle {
  /** Of the whole text, in the chat's own unit. */
  limit: number;
  /** The size of a text in that unit. Default: characters. */
  sizeOf?: (text: string) => number;
  markup: Markup;
}

export function toText(message: RunMessage, style: TextStyle): string {
  const { markup } = style;
  const marked = (line: string) => mark(line, markup);
  const cancel = message.cancelRunId === undefined ? [] : [`To cancel: \`cancel ${message.cancelRunId}\``];
  const { approveRunId: run, script } = message;
  const approve = run === undefined ? [] : [`To decide: \`approve ${run}\` or \`deny ${run}\``];
  const words = [message.headline, ...message.facts, ...cancel, ...approve].map(marked);
  const room = Math.min(MAX_SCRIPT, style.limit - sizeIn(words.join('\n'), style) - AROUND);
  const around =
    script === undefined || room < 40
      ? words
      : [...words, markup.block(headOf(markup.code(script), room, style))];
  const lines = message.tasks.map(({ line }) => `• ${marked(line)}`);
  const plain = cutToSize([...around, ...lines].join('\n'), style.limit, style);
  const shares = shareOut(message, style.limit - sizeIn(plain, style));
  if (shares.size === 0) return plain;
  const withOutputs = message.tasks.map(({ line, output }, index) => {
    const share = shares.get(index);
    if (share === undefined) return `• ${marked(line)}`;
    return `• ${marked(line)}\n${markup.block(tailOf(markup.code(output), share, style))}`;
  });
  return cutToSize([...around, ...withOutputs].join('\n'), style.limit, style);
}

/** The beginning of a text, up to the end of a line where there is one, and a sign that something is missing. */
export function headOf(text: string, limit: number, style: Pick<TextStyle, 'sizeOf'> = {}): string {
  if (sizeIn(text, style) <= limit) return text;
  let head = text.slice(0, limit);
  while (sizeIn(head, style) > limit - 2 && head !== '') head = head.slice(0, -Math.ceil(head.length / 20));
  const line = head.lastIndexOf('\n');
  return `${(line > head.length / 2 ? head.slice(0, line) : head).toWellFormed()}\n…`;
}

/** The end of a text, from the beginning of a line where there is one, and a sign that something is missing. */
export function tailOf(text: string, limit: number, style: Pick<TextStyle, 'sizeOf'> = {}): string {
  if (sizeIn(text, style) <= limit) return text;
  let tail = text.slice(-limit);
  while (sizeIn(tail, style) > limit - 2 && tail !== '') tail = tail.slice(Math.ceil(tail.length / 20));
  const line = tail.indexOf('\n');
  // Half of a pair of surrogates is no character.
  const whole =
    line >= 0 && line < tail.length / 2 ? tail.slice(line + 1) : tail.replace(/^[\udc00-\udfff]/, '');
  return `…\n${whole}`;
}

/** How much of the outputs there is room for: the room in equal shares. */
function shareOut({ tasks }: RunMessage, room: number): Map<number, number> {
  const withOutput = tasks
    .flatMap(({ output }, index) => (output === '' ? [] : [index]))
    .slice(0, MAX_OUTPUTS);
  const share = Math.min(MAX_OUTPUT, Math.floor(room / Math.max(1, withOutput.length)) - AROUND);
  return share < 40 ? new Map() : new Map(withOutput.map((index) => [index, share]));
}

function cutToSize(text: string, limit: number, style: Pick<TextStyle, 'sizeOf'>): string {
  let cut = text;
  while (sizeIn(cut, style) > limit) cut = `${cut.slice(0, Math.floor(cut.length * 0.9) - 1)}…`;
  return cut;
}

function sizeIn(text: string, { sizeOf = (it) => it.length }: Pick<TextStyle, 'sizeOf'>): number {
  return sizeOf(text);
}
