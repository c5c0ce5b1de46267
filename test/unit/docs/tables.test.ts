import { describe, expect, it } from 'vitest';
import type { Setting } from '../../../src/config/setting.ts';
import { fileVariable, settings } from '../../../src/config/settings.ts';
import { type EndingReason, ending, endings } from '../../../src/core/ending.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { refusal } from '../../../src/sip/refusals.ts';
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

const tables = [
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
