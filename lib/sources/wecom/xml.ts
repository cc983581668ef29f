/**
 * The little XML that WeCom sends: one `<xml>` with flat fields, text or CDATA. Read strictly by hand and not by an
 * XML library: no entities, attributes, DTD or namespaces exist here, and what has them is refused.
 */
import { FleetReflexError } from '../../errors.ts';

const ROOT_START = '<xml>';
const ROOT_END = '</xml>';
const CDATA_START = '<![CDATA[';
const CDATA_END = ']]>';
const OPENING = /\s*<([A-Za-z]\w{0,63})>/y;

/**
 * The fields by name; a field with inner fields (a place, a scan) has an empty text. A repeated name is refused: otherwise
 * a text that ends its own CDATA could pretend to be from another sender.
 * @throws FleetReflexError `body.xml`
 */
export function parseWecomXml(text: string): Record<string, string> {
  const whole = text.trim();
  if (!whole.startsWith(ROOT_START) || !whole.endsWith(ROOT_END))
    throw malformed('it is not one <xml> element');
  const inner = whole.slice(ROOT_START.length, -ROOT_END.length).trimEnd();
  const fields = new Map<string, string>();
  for (let at = 0; at < inner.length; ) {
    OPENING.lastIndex = at;
    const [opening, name] = OPENING.exec(inner) ?? [];
    if (opening === undefined || name === undefined) throw malformed(`it has no field at character ${at}`);
    if (fields.has(name)) throw malformed(`it has the field ${name} twice`);
    const { value, end } = readValue(inner, at + opening.length, `</${name}>`);
    fields.set(name, value);
    at = end;
  }
  return Object.fromEntries(fields);
}

/** Sections of CDATA one after the other, or plain text, or fields, up to the closing tag. */
function readValue(text: string, start: number, closing: string): { value: string; end: number } {
  let value = '';
  let at = start;
  while (text.startsWith(CDATA_START, at)) {
    const end = text.indexOf(CDATA_END, at);
    if (end === -1) throw malformed(`it has CDATA without an end at character ${at}`);
    value += text.slice(at + CDATA_START.length, end);
    at = end + CDATA_END.length;
  }
  const end = text.indexOf(closing, at);
  if (end === -1) throw malformed(`it has no ${closing} after character ${at}`);
  const rest = text.slice(at, end);
  if (at > start && rest !== '') throw malformed(`it has text beside CDATA at character ${at}`);
  const isNested = /^\s*<[A-Za-z]/.test(rest);
  if (!isNested && /[<&]/.test(rest)) throw malformed(`it has markup in a text at character ${at}`);
  return { value: isNested ? '' : (value + rest).trim(), end: end + closing.length };
}

/** Text as CDATA: an end of CDATA inside is cut in two. */
export function cdata(text: string): string {
  return `${CDATA_START}${text.replaceAll(CDATA_END, `]]${CDATA_END}${CDATA_START}>`)}${CDATA_END}`;
}

function malformed(what: string): FleetReflexError {
  return new FleetReflexError('body.xml', `The body must be the XML that WeCom sends, and ${what}.`);
}
