/** The words of a person to a bot, without quotes, code and struck-out text. */

const LINE_END = /\r\n?|\n/;
const FENCE = '```';
/** Markdown's other fence, which is one at the beginning of a line only: elsewhere it strikes words out. */
const TILDES = '~~~';
/** Slack, Discord: all that follows is quoted. */
const QUOTED_TO_THE_END = '>>>';

/** The lines that are neither quoted nor inside a fence of code; a fence that is not closed reaches to the end. */
export function withoutQuotes(text: string): string {
  const lines = text.split(LINE_END);
  let fence: string | undefined;
  const isSpoken = (line: string): boolean => {
    const start = line.trimStart();
    const was = fence;
    if (was !== TILDES && line.split(FENCE).length % 2 === 0) fence = was === FENCE ? undefined : FENCE;
    else if (was !== FENCE && start.startsWith(TILDES)) fence = was === TILDES ? undefined : TILDES;
    const begins = [FENCE, TILDES, '>'].some((mark) => start.startsWith(mark));
    return was === undefined && !begins;
  };
  const spoken: string[] = [];
  for (const line of lines) {
    if (fence === undefined && line.trimStart().startsWith(QUOTED_TO_THE_END)) break;
    if (isSpoken(line)) spoken.push(line);
  }
  return spoken.join('\n');
}

const QUOTE_TAG = /<(\/?)(?:blockquote|pre|codeblock|attachment|s|strike|del)\b[^<>]*>/gi;

/** The same of HTML, as Teams sends it: quotes may hold quotes, and one that is not closed reaches to the end. */
export function withoutHtmlQuotes(html: string): string {
  let spoken = '';
  let depth = 0;
  let from = 0;
  for (const { 0: tag, 1: slash, index } of html.matchAll(QUOTE_TAG)) {
    if (depth === 0) spoken += `${html.slice(from, index)}\n`;
    depth = slash === '' ? depth + (tag.endsWith('/>') ? 0 : 1) : Math.max(0, depth - 1);
    from = index + tag.length;
  }
  if (depth === 0) spoken += html.slice(from);
  // A word of code keeps a mark, so that it is no word of a command.
  return spoken.replace(/<\/?code\b[^<>]*>/gi, '`');
}

/**
 * The rest of a Markdown comment's first line after the mention of `@bot` that begins it; not in a quote, a fence, an HTML
 * comment or indented code. A mention elsewhere is no command.
 */
export function mentionIn(body: string, bot: string): string | undefined {
  const first = body.split(LINE_END).find((line) => line.trim() !== '') ?? '';
  // Four spaces or a tab begin code.
  const [, line = ''] = /^ {0,3}(\S.*)$/s.exec(first) ?? [];
  const mention = `@${bot}`;
  if (!line.toLowerCase().startsWith(mention.toLowerCase())) return undefined;
  const rest = line.slice(mention.length);
  return rest === '' || /^[\s:,]/.test(rest) ? rest.replace(/^[:,]/, '') : undefined;
}
