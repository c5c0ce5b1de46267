import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { OutboundCallDesks } from '../../../src/http/outbound-call.ts';
import type { NumberDesk } from '../../../src/http/phone-numbers.ts';
import type { TwilioDesk } from '../../../src/http/twilio-connection.ts';
import type { TwilioLooks } from '../../../src/http/twilio-previews.ts';
import { createLogger } from '../../../src/observability/log.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { readText, root, rowsOf, section } from './document.ts';

const readme = readText('README.md');

const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.md'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)));

const documents = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...markdownIn('docs'),
  ...markdownIn('examples'),
];

interface Snippet {
  readonly document: string;
  readonly source: string;
  readonly text: string;
}

const snippets: Snippet[] = documents.flatMap(document =>
  [...readText(document).matchAll(/<!-- from (\S+) -->\n```\w*\n(.*?)\n```/gs)].map(
    ([, source = '', text = '']) => ({ document, source, text }),
  ),
);

/** The text in whole lines, so that a snippet cannot be half a word of its source. */
const lines = (text: string) => `\n${text}\n`;

describe('snippets in the documents', () => {
  it.each(snippets)('$document shows a part of $source as it is there', ({ source, text }) => {
    expect(text.trim()).not.toBe('');
    expect(lines(readText(source))).toContain(lines(text));
  });

  it('are there for every phone system', () => {
    const sources = snippets
      .filter(({ document }) => document === 'README.md')
      .map(({ source }) => source.split('/')[1]);
    expect(new Set(sources)).toEqual(new Set(['asterisk', 'freeswitch', 'kamailio', 'twilio', 'elevenlabs']));
  });

  it('are all marked in a way that this test reads', () => {
    const marks = documents.flatMap(document => [...readText(document).matchAll(/<!-- from /g)]);
    expect(snippets).toHaveLength(marks.length);
  });
});

describe('links in the documents', () => {
  it.each(documents)('%s leads to files that are there', document => {
    const links = [...readText(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(match => match[1] ?? '');
    const local = links.filter(link => !/^[a-z]+:/.test(link));
    expect(local.filter(link => !existsSync(join(root, dirname(document), link)))).toEqual([]);
  });
});

describe('README.md', () => {
  it('has every command of the program, and no other', async () => {
    let help = '';
    await runCli(['--help'], {
      out: text => (help += text),
      err: () => undefined,
      onSignal: () => () => undefined,
    });
    const offered = [...help.matchAll(/^ {2}(\w+) {2,}\S/gm)].map(match => match[1]);
    const shown = rowsOf(section(readme, '## Commands')).map(([name = '']) =>
      name.replace('trunkbridge ', ''),
    );
    expect(shown.sort()).toEqual(offered.sort());
  });

  it('has every request that the HTTP server takes, and the role that it needs', async () => {
    const store = new FakeStore({ clock: new ManualClock() });
    const app = composeHttp({
      apiKeys: [{ name: 'low', role: 'read', secret: 'a secret of 16 letters' }],
      health: () => ({ ready: true }),
      registry: createMetrics({ process: false }).registry,
      reload: async () => ({ ok: true, applied: [], needsRestart: [] }),
      sipMessages: () => undefined,
      audio: async () => undefined as never,
      archive: store.archive,
      switches: store.switches,
      sends: { store, desk: {} as never, clock: new ManualClock() },
      twilio: {} as TwilioDesk,
      twilioActions: { run: async () => ({ ok: true, value: {} }) },
      phoneNumbers: {} as NumberDesk,
      outboundCalls: {} as OutboundCallDesks,
      twilioLooks: {} as TwilioLooks,
      log: createLogger('error'),
    });
    const { paths } = (await app.inject('/v1/openapi.json')).json() as {
      paths: Record<string, Record<string, { summary: string }>>;
    };
    const taken = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => {
        const role = /role (\w+)/.exec(summary)?.[1];
        return `${method.toUpperCase()} ${path}: ${role === undefined ? 'none' : `role \`${role}\``}`;
      }),
    );
    const rows = rowsOf(section(readme, '## HTTP'));
    expect(rows.map(([request, key]) => `${request}: ${key}`).sort()).toEqual(taken.sort());
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    expect((await app.inject('/v1/switches')).statusCode).toBe(401);
    await app.close();
  });

  it('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
    const named = documents.flatMap(document =>
      [...readText(document).matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map(
        match => match[1] ?? match[2] ?? '',
      ),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(name => !(name in scripts))).toEqual([]);
  });
});
