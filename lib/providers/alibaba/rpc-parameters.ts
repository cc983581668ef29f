/**
 * The flat parameters of the RPC style: `InstanceId.1=…`, `Tag.1.Key=…`, booleans as `true` and `false`.
 */
export type RpcValue =
  | string
  | number
  | boolean
  | undefined
  | readonly RpcValue[]
  | { readonly [key: string]: RpcValue };

/** Arrays count from 1; what is undefined is left out. `Parameters` is a string already (JSON text). */
export function flattenParameters(request: Readonly<Record<string, RpcValue>>): Record<string, string> {
  const flat: Record<string, string> = {};
  const add = (name: string, value: RpcValue): void => {
    if (value === undefined) return;
    if (typeof value !== 'object') {
      flat[name] = String(value);
      return;
    }
    const entries = isArray(value)
      ? value.map((item, index): [string, RpcValue] => [String(index + 1), item])
      : Object.entries(value);
    for (const [key, item] of entries) add(`${name}.${key}`, item);
  };
  for (const [name, value] of Object.entries(request)) add(name, value);
  return flat;
}

/** `Array.isArray` does not narrow a readonly array. */
function isArray(value: object): value is readonly RpcValue[] {
  return Array.isArray(value);
}
