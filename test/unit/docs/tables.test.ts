import { describe, expect, it } from 'vitest';
import { type ParameterSchema, parametersOf } from '../../../src/agent/elevenlabs/setup/tool-schema.ts';
import type { Setting } from '../../../src/config/setting.ts';
import { fileVariable, settings } from '../../../src/config/settings.ts';
import { type EndingReason, ending, endings } from '../../../src/core/ending.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { refusal } from '../../../src/sip/refusals.ts';
import { twilioOutcomes } from '../../../src/tools/twilio-outcomes.ts';
import { twilioToolSpecs } from '../../../src/tools/twilio-tools.ts';
import { madeTable, markdown, writeTable, writing } from './document.ts';

const code = (text: string) => `\`${text}\``;

function settingsTable(): string {
  const all = Object.entries(settings) as [string, Setting][];
  const rows = all.map(([key, { env, meaning, fallback, required, secret }]) => [
    env === undefined ? '' : code(env),
    code(key),
    required === undefined ? (fallback === undefined ? '' : code(fallback)) : 'required',
    secret === true ? `${meaning} A secret: also as \`${env}_FILE\`.` : meaning,
  ]);
  return markdown(
    ['variable', 'key in the file', 'default', 'meaning'],
    [...rows, [code(fileVariable), '', '', 'Path of the file, where `--config` does not name it.']],
  );
}

function reasonsTable(): string {
  const rows = (Object.keys(endings) as EndingReason[]).map(reason => {
    const [result, sentence] = endings[reason];
    return [code(reason), result, statusOf(reason), sentence];
  });
  return markdown(['reason', 'result', 'status', 'what it means'], rows);
}

/** Endings that a caller is never refused with: they come after the answer, or the caller is gone. */
const neverRefused = new Set<EndingReason>([
  'caller-hung-up',
  'agent-ended-call',
  'agent-max-duration',
  'max-call-time',
  'ack-timeout',
  'session-expired',
  'connection-lost',
  'media-timeout',
  'interrupted',
]);

/** Statuses that the SIP stack and the gate of the trunks give by themselves, before there is anything that `refusal` could speak for. */
const byStack: Readonly<Record<string, string>> = {
  'caller-cancelled': '487',
  'unsupported-extension': '420',
  'unsupported-media-type': '415 or 406',
  'merged-request': '482',
  'loop-detected': '482',
  'session-interval-too-small': '422',
  'prack-timeout': '504',
  'account-not-allowed': '403',
  'credentials-missing': '401',
  'credentials-stale': '401',
  'credentials-wrong': '401',
};

function statusOf(reason: EndingReason): string {
  if (neverRefused.has(reason) || reason.startsWith('recording-')) return '';
  return byStack[reason] ?? String(refusal(ending(reason), '').status);
}

async function metricsTable(): Promise<string> {
  const metrics = await createMetrics({ process: false }).registry.getMetricsAsJSON();
  const labels = new Map(
    createMetrics({ process: false })
      .registry.getMetricsAsArray()
      .map(metric => [
        (metric as unknown as { name: string }).name,
        (metric as unknown as { labelNames?: string[] }).labelNames ?? [],
      ]),
  );
  const rows = metrics
    .map(({ name, type, help }) => [
      code(name),
      String(type),
      (labels.get(name) ?? []).map(code).join(', '),
      help,
    ])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return markdown(['metric', 'type', 'labels', 'what it counts'], rows);
}

function parametersTable(): string {
  const rows = twilioToolSpecs().flatMap(({ name, input }) => {
    const { properties, required } = parametersOf(input);
    return parameterRows(properties, required).map(([parameter = '', ...rest], index) => [
      index === 0 ? code(name) : '',
      code(parameter),
      ...rest,
    ]);
  });
  return markdown(['tool', 'parameter', 'needed', 'what the agent is told of it'], rows);
}

function parameterRows(
  properties: Readonly<Record<string, ParameterSchema>>,
  required: readonly string[],
  within = '',
): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const words = 'enum' in schema ? ` (${schema.enum?.join(', ')})` : '';
    const row = [
      within + key,
      required.includes(key) ? 'yes' : '',
      `${schema.description ?? ''}${schema.type === 'array' && 'enum' in schema.items ? ` (${schema.items.enum?.join(', ')})` : words}`,
    ];
    return schema.type === 'object'
      ? [row, ...parameterRows(schema.properties, schema.required, `${key}.`)]
      : [row];
  });
}

function failuresTable(): string {
  const rows = Object.entries(twilioOutcomes).flatMap(([key, group]) =>
    group.map(({ on, status, message, after }) => [
      code(key),
      on ?? 'both',
      code(status),
      message,
      after === undefined ? '' : `after ${after} s`,
    ]),
  );
  return markdown(['failure', 'of', 'status', 'what the agent is told', 'try again'], rows);
}

const tables = [
  { path: 'docs/tools.md', name: 'parameters', make: async () => parametersTable() },
  { path: 'docs/tools.md', name: 'failures', make: async () => failuresTable() },
  { path: 'README.md', name: 'settings', make: async () => settingsTable() },
  { path: 'docs/refused.md', name: 'reasons', make: async () => reasonsTable() },
  { path: 'docs/deployment.md', name: 'metrics', make: metricsTable },
];

describe('tables that are made from the sources (TRUNKBRIDGE_WRITE_DOCS=1 writes them anew)', () => {
  it.each(tables)('$path shows all $name there are, as they are', async ({ path, name, make }) => {
    const table = await make();
    expect(table.split('\n').length).toBeGreaterThan(10);
    if (writing) writeTable(path, name, table);
    expect(madeTable(path, name)).toBe(table);
  });
});
