/** Writes the tables of docs/rules.md between its marks, from the descriptions of the rules' schema. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { StandingScheduleSpec } from '../../lib/rules/schema/actions.ts';
import { FleetSpec } from '../../lib/rules/schema/fleets.ts';
import { DestinationSpec } from '../../lib/rules/schema/notify.ts';
import { LimitsSpec, ProvidersSpec, RuleSpec, RulesFile } from '../../lib/rules/schema/rules-file.ts';
import { FileWindowSpec, WindowSpec } from '../../lib/rules/schema/windows.ts';

const PATH = 'docs/rules.md';
const START = /(<!-- fields:[^>]*-->\n)[\s\S]*(<!-- \/fields -->)/;

type Schema = z.core.JSONSchema.BaseSchema;

export async function generate(): Promise<{ path: string; content: string }[]> {
  const text = await readFile(new URL(`../../${PATH}`, import.meta.url), 'utf8');
  const rule = jsonOf(RuleSpec);
  const { run = {}, cancel = {}, schedule = {}, guards = {}, allow = {} } = rule.properties ?? {};
  const sections = [
    section('The file', jsonOf(RulesFile)),
    section('`providers`', jsonOf(ProvidersSpec)),
    section('`fleets.<name>`', jsonOf(FleetSpec)),
    section('`destinations.<name>`', jsonOf(DestinationSpec)),
    section('`limits`', jsonOf(LimitsSpec)),
    section('`freezes[]`, `only[]`', jsonOf(FileWindowSpec)),
    section('`rules[]`', rule),
    section('`rules[].allow`', schemaOf(allow)),
    section('`rules[].run`', schemaOf(run)),
    section('`rules[].run.output`', schemaOf(schemaOf(run).properties?.['output'] ?? {})),
    section('`rules[].run.waves`', schemaOf(schemaOf(run).properties?.['waves'] ?? {})),
    section('`rules[].cancel`', schemaOf(cancel)),
    section('`rules[].schedule`', schemaOf(schedule)),
    section('`rules[].guards`', schemaOf(guards)),
    section('`rules[].guards.dedupe`', schemaOf(schemaOf(guards).properties?.['dedupe'] ?? {})),
    section('`rules[].guards.maxPerHour`', schemaOf(schemaOf(guards).properties?.['maxPerHour'] ?? {})),
    section('`rules[].freezes[]`, `rules[].only[]`', jsonOf(WindowSpec)),
    section('`schedules[]`', jsonOf(StandingScheduleSpec)),
  ];
  const content = text.replace(START, (_, start, end) => `${start}${sections.join('\n')}${end}`);
  return [{ path: PATH, content }];
}

function section(title: string, schema: Schema): string {
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const { description = '' } = schemaOf(field);
    const must = required.has(name) ? 'Required. ' : '';
    return `| \`${name}\` | ${must}${description.replaceAll('|', '\\|')} |`;
  });
  const intro = schema.description === undefined ? [] : [schema.description, ''];
  return [`### ${title}`, '', ...intro, '| field | |', '| --- | --- |', ...rows, ''].join('\n');
}

function jsonOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input' });
}

function schemaOf(schema: z.core.JSONSchema.JSONSchema | boolean): Schema {
  return typeof schema === 'boolean' ? {} : schema;
}
