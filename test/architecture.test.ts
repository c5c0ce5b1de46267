import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cycles,
  filesBelow,
  forbiddenImports,
  forbiddenPackages,
  type Graph,
  importsOf,
  type Rule,
  readGraph,
} from './support/architecture.ts';

const root = join(import.meta.dirname, '..');

/** What every room may import. */
const shared = ['core', 'pure', 'contracts'] as const;

const room = (name: string, more: readonly string[] = []): Rule => ({
  group: name,
  files: [new RegExp(`^src/${name}/`)],
  values: [...shared, ...more],
});

const rooms = ['agent', 'http', 'observability', 'store', 'trunks', 'twilio', 'webhooks'] as const;

/** The import rules. A file belongs to the first group that it matches. */
const rules: readonly Rule[] = [
  { group: 'core', files: [/^src\/core\//], values: [] },
  { group: 'codecs', files: [/^codecs\//], values: [] },
  {
    group: 'contracts',
    files: [
      /^src\/sip\/signalling\.ts$/,
      /^src\/call\/(control|party)\.ts$/,
      /^src\/worker\/(legs|messages)\.ts$/,
      /^src\/agent\/agent\.ts$/,
      /^src\/tools\/tool\.ts$/,
      /^src\/store\/(document|record|sends|store)\.ts$/,
    ],
    values: [],
    types: ['core', 'pure'],
  },
  {
    group: 'pure',
    files: [
      /^src\/sdp\//,
      /^src\/media\/s?rtp\//,
      /^src\/sip\/embedded\/message\//,
      /^src\/(streams|agent\/elevenlabs)\/protocol(\/|\.ts$)/,
      /^src\/trunks\/(match|digest|limits)\.ts$/,
    ],
    values: ['core'],
    // The parser fills the fields that the signalling contract names.
    types: ['contracts'],
  },
  {
    group: 'sim',
    files: [/^src\/sim\//],
    values: ['core', 'codecs'],
    types: ['pure'],
  },
  // The roots of the two kinds of thread, what they are made of, and the command line: they know every room.
  {
    group: 'roots',
    files: [
      /^src\/(access|admission|agent-calls|app|inbound-call|intake|main|message-intake|stream-intake|outbound-line|outgoing|phone-numbers|public-http|recordings|records|registrations|tooling|[a-z]+-room)\.ts$/,
      /^src\/worker\/(entry|lag-report|thread|worker-leg|worker-streams)\.ts$/,
      /^src\/cli\//,
    ],
    values: [
      ...shared,
      'codecs',
      'call',
      'config',
      'media',
      'recording',
      'sip',
      'sip/embedded',
      'sip/drachtio',
      'streams',
      'tools',
      'worker',
      ...rooms,
    ],
  },
  ...rooms.map(name => room(name)),
  {
    ...room('config', ['codecs']),
    types: [...rooms, 'sip', 'sip/embedded', 'media', 'tools', 'worker', 'call'],
  },
  room('call'),
  room('worker'),
  room('media', ['codecs']),
  room('recording', ['codecs']),
  room('streams', ['twilio']),
  room('tools', ['twilio']),
  // What both backends say of one message, and what follows for the session: how it is judged, worded and told. Not how it travels.
  {
    group: 'sip/judgement',
    files: [
      /^src\/sip\/embedded\/dialog\/(capabilities|content|facts|reason|refer-policy|refer-table|refusal)\.ts$/,
      /^src\/sip\/embedded\/dialog\/(screening|session-expires|session-timer|session-upkeep|sipfrag|uac-outcome)\.ts$/,
      /^src\/sip\/embedded\/transaction\/(counting-clock|key|table|token)\.ts$/,
      /^src\/sip\/embedded\/transport\/rate\.ts$/,
      /^src\/sip\/embedded\/challenges\.ts$/,
    ],
    values: shared,
    types: ['sip/embedded'],
  },
  room('sip/embedded', ['sip/judgement']),
  { ...room('sip/drachtio', ['sip/judgement']), types: ['sip/embedded'] },
  { group: 'sip', files: [/^src\/sip\/[^/]+\.ts$/], values: shared },
];

/** Only `cli` may also start stand-ins. */
const cliMayImportSim: Rule = {
  group: 'cli',
  files: [/^src\/cli\//],
  values: [...(rules.find(({ group }) => group === 'roots')?.values ?? []), 'roots', 'sim'],
};
const allRules = [cliMayImportSim, ...rules].map(rule =>
  rule.group === 'roots' ? { ...rule, values: [...rule.values, 'cli'] } : rule,
);

/** Packages that one place keeps to itself. */
const packageOwners: Readonly<Record<string, readonly RegExp[]>> = {
  'drachtio-srf': [/^src\/sip\/drachtio\//],
  fastify: [/^src\/http\//],
  kysely: [/^src\/store\//],
  libsql: [/^src\/store\//],
  pg: [/^src\/store\//],
  pino: [/^src\/observability\//],
  'prom-client': [/^src\/observability\//],
  twilio: [/^src\/twilio\//],
  ws: [/^src\/(agent\/elevenlabs|streams|sim)\//],
  yaml: [/^src\/config\//],
};

const fewestWords = ['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc', 'shared'];
const longestFile = 500;

const graph = readGraph(root, ['src', 'codecs']);
const paths = [...graph.keys()];
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the architecture', () => {
  it('lets every file import only what its place allows', () => {
    expect(forbiddenImports(graph, allRules)).toEqual([]);
  });

  it('names only files that exist', () => {
    const targets = [...graph.values()].flat().map(({ target }) => target);
    expect(targets.filter(target => /^(src|codecs)\//.test(target) && !graph.has(target))).toEqual([]);
  });

  it('has no circle of imports, types included', () => {
    expect(cycles(graph)).toEqual([]);
  });

  it('keeps each package in the place that owns it', () => {
    expect(forbiddenPackages(graph, packageOwners)).toEqual([]);
  });

  it('reads the environment in config alone', () => {
    const readers = paths.filter(path => /\bprocess\.env\b/.test(textOf(path)));
    expect(readers.filter(path => !path.startsWith('src/config/'))).toEqual([]);
  });

  it('has no file over the longest length', () => {
    const long = paths.filter(path => textOf(path).split('\n').length > longestFile);
    expect(long).toEqual([]);
  });

  it('calls every file and folder by a noun in kebab case, and none by a word that means nothing', () => {
    const words = (path: string) => path.replace(/\.ts$/, '').split('/');
    expect(
      paths.filter(path => words(path).some(word => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(word))),
    ).toEqual([]);
    expect(paths.filter(path => words(path).some(word => fewestWords.includes(word)))).toEqual([]);
  });

  it('has only named exports', () => {
    expect(paths.filter(path => /^export default\b/m.test(textOf(path)))).toEqual([]);
  });

  it('leaves nothing to be done later', () => {
    expect(paths.filter(path => /\b(TODO|FIXME|XXX)\b/.test(textOf(path)))).toEqual([]);
  });

  it('mirrors its sources in the unit tests: one file for one, or for the whole folder it lies in', () => {
    const mirrored = (test: string) => {
      const path = test.replace(/^test\/unit\//, '');
      return dirname(/^(codecs|docs)\//.test(path) ? path : `src/${path}`);
    };
    const folders = new Set([...paths.map(path => dirname(path)), 'docs']);
    const tests = filesBelow(root, ['test/unit'], '.test.ts');
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter(test => !folders.has(mirrored(test)))).toEqual([]);
  });
});

describe('the check of the architecture', () => {
  const fake = (imports: Record<string, string>): Graph =>
    new Map(Object.entries(imports).map(([path, text]) => [path, importsOf(path, text)]));

  it.each([
    ['core imports a room', 'src/core/clock.ts', "import { x } from '../sdp/plan.ts';"],
    ['codecs import src', 'codecs/g711.ts', "import type { x } from '../src/core/audio.ts';"],
    ['pure code imports a room', 'src/sdp/parser.ts', "import { x } from '../call/states.ts';"],
    [
      'pure code imports values of a contract',
      'src/sdp/parser.ts',
      "import { x } from '../sip/signalling.ts';",
    ],
    ['a contract imports values', 'src/worker/legs.ts', "import { ending } from '../core/ending.ts';"],
    ['a room imports another', 'src/call/states.ts', "import type { x } from '../media/session.ts';"],
    ['a room imports what it is composed in', 'src/http/http.ts', "import { x } from '../app.ts';"],
    [
      'a room other than media imports codecs',
      'src/agent/elevenlabs/socket.ts',
      "import { x } from '../../../codecs/g711.ts';",
    ],
    [
      'one SIP backend imports the other',
      'src/sip/embedded/stack.ts',
      "export { x } from '../drachtio/stack.ts';",
    ],
    ['config imports values of a room', 'src/config/load.ts', "import { x } from '../http/keys.ts';"],
    [
      'a stand-in imports what it stands in for',
      'src/sim/caller/call.ts',
      "import { x } from '../../sip/embedded/message/parser.ts';",
    ],
    ['the app imports a stand-in', 'src/app.ts', "import { x } from './sim/world.ts';"],
    ['an import hides in a function', 'src/call/states.ts', "const x = await import('../media/session.ts');"],
    [
      'an import has several lines',
      'src/call/states.ts',
      "import {\n  a,\n  b,\n} from '../media/session.ts';",
    ],
    ['an import has no names', 'src/call/states.ts', "import '../media/session.ts';"],
    [
      'a worker is named by URL',
      'src/call/states.ts',
      "new Worker(new URL('../media/session.ts', import.meta.url));",
    ],
    ['a file has no place', 'src/elsewhere/thing.ts', ''],
  ])('finds it when %s', (_title, path, text) => {
    expect(forbiddenImports(fake({ [path]: text }), allRules)).toHaveLength(1);
  });

  it.each([
    [
      'a room imports core, pure code and contracts',
      'src/call/states.ts',
      "import { a } from '../core/clock.ts';\nimport { b } from '../sdp/plan.ts';\nimport { c } from '../worker/messages.ts';",
    ],
    [
      'config imports types of a room',
      'src/config/load.ts',
      "import type { x } from '../http/keys.ts';\nimport { type y } from '../http/keys.ts';",
    ],
    [
      'a command imports a stand-in',
      'src/cli/demo.ts',
      "import { x } from '../sim/world.ts';\nimport { y } from '../app.ts';",
    ],
    ['media imports codecs', 'src/media/inbound/decode.ts', "import { x } from '../../../codecs/g711.ts';"],
    [
      'a tool imports the Twilio client',
      'src/tools/verify/tools.ts',
      "import { x } from '../../twilio/verify.ts';",
    ],
  ])('finds nothing when %s', (_title, path, text) => {
    expect(forbiddenImports(fake({ [path]: text }), allRules)).toEqual([]);
  });

  it('finds a circle, even one of types only', () => {
    const circle = fake({
      'src/call/a.ts': "import type { b } from './b.ts';",
      'src/call/b.ts': "import { c } from './c.ts';",
      'src/call/c.ts': "import { a } from './a.ts';",
      'src/call/d.ts': "import { a } from './a.ts';",
    });
    expect(cycles(circle)).toEqual([['src/call/a.ts', 'src/call/b.ts', 'src/call/c.ts']]);
  });

  it('finds a package outside of the place that owns it', () => {
    const planted = fake({
      'src/http/a.ts': "import { pino } from 'pino';\nimport type { Registry } from 'prom-client';",
      'src/tools/b.ts': "import twilio from 'twilio/lib/rest/Twilio.js';",
    });
    expect(forbiddenPackages(planted, packageOwners)).toHaveLength(2);
  });
});
