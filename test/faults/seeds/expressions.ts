/**
 * The expressions of DynamoDB that lib/store/ writes, on plain values: conditions, keys and updates. What is not of these
 * is an error, never a guess; test/contract/ holds the table of the model with the stores on it.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */

export type Item = Record<string, unknown>;

export interface Placeholders {
  names?: Readonly<Record<string, string>> | undefined;
  values?: Readonly<Record<string, unknown>> | undefined;
}

type Operand = (item: Item) => unknown;
type Test = (item: Item) => boolean;

const TOKEN = /\s*(<=|>=|<>|[(),=<>+]|[#:]?[A-Za-z_][\w-]*(?:\.#?[A-Za-z_][\w-]*)*)/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (found?.[1] === undefined) throw new Error(`the table of the model cannot read ${text.slice(at)}`);
    tokens.push(found[1]);
  }
  return tokens;
}

/** Whether the condition holds for an item; for one that is not there: `{}`. */
export function holds(text: string, item: Item, placeholders: Placeholders): boolean {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string => tokens[at] ?? '';
  const next = (expected?: string): string => {
    const token = peek();
    if (token === '' || (expected !== undefined && token !== expected)) {
      throw new Error(`the table of the model expected ${expected ?? 'more'} in ${text}, came ${token}`);
    }
    at += 1;
    return token;
  };
  const args = (): string[] => {
    const found: string[] = [];
    next('(');
    for (;;) {
      found.push(next());
      if (next() === ')') return found;
    }
  };
  const either = (): Test => {
    const parts = [both()];
    while (peek() === 'OR') {
      next();
      parts.push(both());
    }
    return (one) => parts.some((part) => part(one));
  };
  const both = (): Test => {
    const parts = [single()];
    while (peek() === 'AND') {
      next();
      parts.push(single());
    }
    return (one) => parts.every((part) => part(one));
  };
  const operand = (): Operand => {
    const token = next();
    if (token !== 'size') return operandOf(token, placeholders);
    const [of = ''] = args();
    const read = operandOf(of, placeholders);
    return (one) => sizeOf(read(one));
  };
  const single = (): Test => {
    const token = peek();
    switch (token) {
      case '(': {
        next();
        const inner = either();
        next(')');
        return inner;
      }
      case 'attribute_exists':
      case 'attribute_not_exists': {
        next();
        const [path = ''] = args();
        const read = operandOf(path, placeholders);
        return (one) => (read(one) !== undefined) === (token === 'attribute_exists');
      }
      case 'contains':
      case 'begins_with': {
        next();
        const [a, b] = args().map((one) => operandOf(one, placeholders));
        return (one) => (token === 'contains' ? contains : beginsWith)(a?.(one), b?.(one));
      }
    }
    const left = operand();
    const operator = next();
    if (operator === 'BETWEEN') {
      const from = operand();
      next('AND');
      const to = operand();
      return (one) => compare(left(one), from(one), '>=') && compare(left(one), to(one), '<=');
    }
    const right = operand();
    return (one) => compare(left(one), right(one), operator);
  };
  const test = either();
  if (at < tokens.length) throw new Error(`the table of the model cannot read ${peek()} in ${text}`);
  return test(item);
}

/** The item after an update. */
export function updated(text: string, item: Item, placeholders: Placeholders): Item {
  const next: Item = structuredClone(item);
  const tokens = tokensOf(text);
  let clause = '';
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] ?? '';
    if (token === ',') at += 1;
    else if (['SET', 'REMOVE', 'ADD', 'DELETE'].includes(token)) {
      clause = token;
      at += 1;
    } else if (clause === 'SET') {
      if (tokens[at + 1] !== '=' || !isOneValue(tokens[at + 3])) {
        throw new Error(`the table of the model cannot read ${text}`);
      }
      write(next, pathOf(token, placeholders), operandOf(tokens[at + 2] ?? '', placeholders)(item));
      at += 3;
    } else if (clause === 'REMOVE') {
      write(next, pathOf(token, placeholders), undefined);
      at += 1;
    } else {
      const path = pathOf(token, placeholders);
      const value = operandOf(tokens[at + 1] ?? '', placeholders)(item);
      write(next, path, (clause === 'ADD' ? added : without)(read(next, path), value));
      at += 2;
    }
  }
  return next;
}

/** Nothing is added to it: another of the clause follows, or the next clause. */
function isOneValue(following: string | undefined): boolean {
  return following === undefined || [',', 'REMOVE', 'ADD', 'DELETE'].includes(following);
}

function pathOf(token: string, { names = {} }: Placeholders): string[] {
  return token.split('.').map((part) => (part.startsWith('#') ? (names[part] ?? missing(part)) : part));
}

function operandOf(token: string, placeholders: Placeholders): Operand {
  if (token.startsWith(':')) {
    const { values = {} } = placeholders;
    const value = Object.hasOwn(values, token) ? values[token] : missing(token);
    return () => value;
  }
  const path = pathOf(token, placeholders);
  return (item) => read(item, path);
}

function missing(name: string): never {
  throw new Error(`the expression names ${name}, and nothing is given for it`);
}

function isMap(value: unknown): value is Item {
  return (
    typeof value === 'object' && value !== null && !(value instanceof Set) && !(value instanceof Uint8Array)
  );
}

function read(item: Item, path: readonly string[]): unknown {
  return path.reduce<unknown>((of, name) => (isMap(of) ? of[name] : undefined), item);
}

function write(item: Item, path: readonly string[], value: unknown): void {
  const name = path.at(-1) ?? '';
  const into = read(item, path.slice(0, -1));
  if (!isMap(into))
    throw new Error(`there is nothing at ${path.slice(0, -1).join('.')} to write ${name} into`);
  if (value === undefined) delete into[name];
  else into[name] = value;
}

function added(known: unknown, value: unknown): unknown {
  if (value instanceof Set) return new Set([...(known instanceof Set ? known : []), ...value]);
  return (typeof known === 'number' ? known : 0) + Number(value);
}

/** A set with nothing in it is no attribute. */
function without(known: unknown, value: unknown): unknown {
  if (!(known instanceof Set) || !(value instanceof Set)) return known;
  const left = new Set([...known].filter((one) => !value.has(one)));
  return left.size > 0 ? left : undefined;
}

function sizeOf(value: unknown): number | undefined {
  if (value instanceof Set) return value.size;
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : undefined;
}

function contains(whole: unknown, part: unknown): boolean {
  if (whole instanceof Set) return whole.has(part);
  if (Array.isArray(whole)) return whole.includes(part);
  return typeof whole === 'string' && typeof part === 'string' && whole.includes(part);
}

function beginsWith(whole: unknown, part: unknown): boolean {
  return typeof whole === 'string' && typeof part === 'string' && whole.startsWith(part);
}

/** Only of one type; what is not there compares with nothing. */
function compare(left: unknown, right: unknown, operator: string): boolean {
  if (left === undefined || right === undefined) return false;
  if (operator === '=') return left === right;
  if (operator === '<>') return left !== right;
  const order =
    typeof left === 'string' && typeof right === 'string'
      ? Buffer.compare(Buffer.from(left), Buffer.from(right))
      : typeof left === 'number' && typeof right === 'number'
        ? left - right
        : Number.NaN;
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      throw new Error(`the table of the model cannot compare by ${operator}`);
  }
}
