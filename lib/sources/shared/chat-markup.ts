/**
 * The markup of chats, and the escaping of untrusted text (a reason, a host's error, the output of a command): it cannot
 * open or close code, link, or mention people. Lines have names between backticks.
 */

export interface Markup {
  /** Words outside code. */
  text(words: string): string;
  /** Words of a name, which have no backticks. */
  span(words: string): string;
  /** Words inside a block of code. */
  code(words: string): string;
  /** The block of code around what `code` returned, or a part of it. */
  block(code: string): string;
  /** The whole line, after `text` and `span`. Default: as it is. */
  line?(line: string): string;
}

/** One line of ours with untrusted text in it, in the chat's markup. */
export function mark(line: string, { text, span, line: whole = same }: Markup): string {
  const parts = line.split('`');
  // A backtick without its partner would make code of what follows, or text of the code that follows.
  if (parts.length % 2 === 0) return whole(text(line.replaceAll('`', "'")));
  return whole(parts.map((part, at) => (at % 2 === 0 ? text(part) : part && span(part))).join(''));
}

/** An invisible character that is no markup: inserted into markup, it breaks it. */
const BREAK = '\u200b';

/** An `@` that mentions no user. */
function withoutMentions(words: string): string {
  return words.replaceAll('@', `@${BREAK}`);
}

/** For chats whose fence ends at the next three backticks, wherever they are. */
function fenced(code: string): string {
  return `\`\`\`\n${code.replace(/`(?=`)/g, `\`${BREAK}`)}\n\`\`\``;
}

/** Longer fences are broken as in other chats: a message has a limit. */
const MAX_FENCE = 7;

/** CommonMark: a fence ends at one that is as long. */
function fencedLonger(code: string): string {
  const longest = Math.max(0, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  if (longest >= MAX_FENCE) return fenced(code);
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}\n${code}\n${fence}`;
}

const backticked = (words: string) => `\`${withoutMentions(words)}\``;

/** References (issues, users, pages) that a code host links, and for which it sends notifications. */
function withoutReferences(words: string): string {
  return withoutMentions(words)
    .replace(/([#!%$&~^])(?=\w)/g, `$1${BREAK}`)
    .replaceAll('://', `:${BREAK}//`)
    .replace(/(www)\./gi, `$1${BREAK}.`);
}

/** GitHub, Gitea, Forgejo. They search the rendered text for mentions, so escaping alone does not help. */
export const codeHostMarkup: Markup = {
  text: (words) => withoutReferences(words.replace(/[\\*_~[\]<>&|#!$]/g, '\\$&')),
  span: backticked,
  code: withoutMentions,
  block: fencedLonger,
};

/** GitLab: a line that begins with a slash is a command to it, in some versions also inside a longer fence. */
export const gitlabMarkup: Markup = {
  ...codeHostMarkup,
  code: (words) => withoutCommands(withoutMentions(words)),
  line: withoutCommands,
};

function withoutCommands(words: string): string {
  return words.replace(/^(\s*)\//gm, `$1${BREAK}/`);
}

export const mattermostMarkup: Markup = {
  text: (words) => withoutReferences(words.replace(/[\\*_~[\]>#|!]/g, '\\$&')).replaceAll('<', `<${BREAK}`),
  span: backticked,
  code: withoutMentions,
  block: fenced,
};

/** Emphasis that is not closed reaches into a fence there, and a masked link hides where it leads. */
export const discordMarkup: Markup = {
  text: (words) => withoutMentions(words.replace(/[\\*_~|[\]<>#]/g, '\\$&')),
  span: backticked,
  code: withoutMentions,
  block: fenced,
};

/** Slack reads `<…>` as a mention or a link, wherever it stands. */
export const slackMarkup: Markup = {
  text: inSlack,
  span: (words) => `\`${inSlack(words)}\``,
  code: inSlack,
  block: fenced,
};

function inSlack(words: string): string {
  return withoutMentions(words).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Tags (`<at id=all>`), entities that stand for them, links and pictures. */
function withoutTags(words: string): string {
  return (
    withoutMentions(words)
      .replaceAll('<', `<${BREAK}`)
      // Backticks may be dropped later, and then parts of a line meet.
      .replace(/&(?=`*(?:[#\w]|$))/g, `&${BREAK}`)
      .replaceAll('](', `]${BREAK}(`)
  );
}

/** Feishu, Lark and WeCom. */
export const tagMarkup: Markup = {
  text: withoutTags,
  span: (words) => `\`${withoutTags(words)}\``,
  code: withoutTags,
  block: fenced,
};

/** Text without any markup: names stand without their backticks. */
export const plainMarkup: Markup = {
  text: withoutTags,
  span: withoutTags,
  code: withoutTags,
  block: (code) =>
    code
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n'),
};

/** Teams reads the immediate answer as HTML and Markdown. */
export const teamsAnswerMarkup: Markup = {
  ...plainMarkup,
  text: inTeamsAnswer,
  span: (words) => `\`${inTeamsAnswer(words)}\``,
};

function inTeamsAnswer(words: string): string {
  return withoutMentions(words)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('](', `]${BREAK}(`);
}

function same(line: string): string {
  return line;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are what is taken out
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: and every other control character but tab and line feed
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Output of a terminal as plain text: no colours, no control characters, no invisible or reordering characters. */
export function printable(output: string): string {
  return output
    .replace(TERMINAL, '')
    .replace(/\r\n|[\u2028\u2029]/g, '\n')
    .replace(CONTROL, '')
    .trimEnd();
}

/** Untrusted text inside a line of ours. */
export function oneLine(words: string): string {
  return printable(words).replace(/\s*\n\s*/g, ' ');
}
