/**
 * The little XML that WeCom sends: one `<xml>` with flat fields, text or CDATA. Read strictly by hand and not by an
 * XML library: no entities, attributes, DTD or namespaces exist here, and what has them is refused.
 */
import { FleetReflexError } from '../errors.ts';

const ROOT = /^\s*<xml>([\s\S]*)<\/xml>\s*$/;
/** A field: its name, then CDATA or plain text (no markup), then its end. */
const FIELD = /\s*<([A-Za-z]\w{0,63})>(?:<!\[CDATA\[([\s\S]*?)\]\]>|([^<&]*))<\/\1>/y;
/** A field with fields inside (location, scan results): skipped whole. */
const NESTED = /\s*<([A-Za-z]\w{0,63})>\s*<[A-Za-z][\s\S]*?<\/\1>/y;

/**
 * The fields by name. A name given twice is refused: a text that ends its own CDATA could only so pass another sender.
 * @throws FleetReflexError `body.xml`
 */
export function parseWecomXml(text: string): Record<string, string> {
  const inner = ROOT.exec(text)?.[1];
  if (inner === undefined) throw malformed('it is not one <xml> element');
  const fields = new Map<string, string>();
  for (let at = 0; inner.slice(at).trim() !== ''; ) {
    FIELD.lastIndex = at;
    NESTED.lastIndex = at;
    const field = FIELD.exec(inner);
    const nested = field === null ? NESTED.exec(inner) : null;
    const [whole = '', name = '', cdata, plain] = field ?? nested ?? [];
    if (whole === '') throw malformed(`it has something else than a field at character ${at}`);
    if (fields.has(name)) throw malformed(`it has the field ${name} twice`);
    fields.set(name, nested === null ? (cdata ?? plain ?? '').trim() : '');
    at += whole.length;
  }
  return Object.fromEntries(fields);
}

/** Text as CDATA: an end of CDATA inside is cut in two. */
export function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}

function malformed(what: string): FleetReflexError {
  return new FleetReflexError('body.xml', `The body must be the XML that WeCom sends, and ${what}.`);
}
