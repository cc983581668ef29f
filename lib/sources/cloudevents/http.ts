/** The HTTP binding of CloudEvents: which mode a request is in, and the event in it. */
import { FleetReflexError } from '../../errors.ts';
import { mediaType, type SourceRequest } from '../../http/request.ts';

const BATCH = 'application/cloudevents-batch';
const STRUCTURED = 'application/cloudevents';

/** Whether the event's attributes are headers. */
export function isBinary(request: SourceRequest): boolean {
  return !mediaType(request).startsWith(STRUCTURED) && request.headers['ce-specversion'] !== undefined;
}

/** @returns one event or a list, unchecked; @throws FleetReflexError `body.*` */
export function parseCloudEvents(request: SourceRequest): unknown {
  const type = mediaType(request);
  if (type.startsWith(STRUCTURED) && !type.endsWith('+json')) {
    throw new FleetReflexError(
      'body.format',
      `Of the CloudEvents formats only JSON is read, and this is ${type}.`,
    );
  }
  if (type.startsWith(BATCH) || type.startsWith(STRUCTURED)) return request.json();
  if (isBinary(request)) return parseBinary(request, type);
  // Some senders (Alibaba, Tencent) post a structured event as plain JSON.
  return request.json();
}

function parseBinary(request: SourceRequest, type: string): unknown {
  const attributes: Record<string, string> = {};
  for (const [header, value] of Object.entries(request.headers)) {
    if (!header.startsWith('ce-') || value === undefined) continue;
    const name = header.slice('ce-'.length);
    if (name === '__proto__' || name === 'data') continue;
    attributes[name] = decodeAttribute(name, value);
  }
  const contentType = request.headers['content-type'];
  return {
    ...attributes,
    ...(contentType !== undefined && { datacontenttype: contentType }),
    ...(request.body.length > 0 && dataOf(request, type)),
  };
}

function dataOf(request: SourceRequest, type: string): { data: unknown } | { data_base64: string } {
  if (type === '' || type.endsWith('/json') || type.endsWith('+json')) return { data: request.json() };
  if (type.startsWith('text/')) return { data: request.body.toString('utf8') };
  return { data_base64: request.body.toString('base64') };
}

/** Section 3.1.3.2: unquote, then one round of percent-decoding; what is not UTF-8 after that is refused. */
function decodeAttribute(name: string, value: string): string {
  const unquoted = /^"(.*)"$/s.exec(value)?.[1]?.replace(/\\(.)/gs, '$1') ?? value;
  try {
    return decodeURIComponent(unquoted.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch (cause) {
    throw new FleetReflexError(
      'body.encoding',
      `The header ce-${name} must be percent-encoded UTF-8, and it is not.`,
      { cause },
    );
  }
}
