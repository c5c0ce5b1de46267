import type { Config } from '../config/config.ts';
import { writeHostPort } from '../config/listen.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Command, exitCodes } from './command.ts';
import { configurationHelp, configurationOptions, readConfiguration } from './configuration.ts';
import { forbiddenWebhooks, unreachableWebhooks, webhookLines } from './webhook-check.ts';

export const command: Command = {
  usage: '[--config FILE] [--print] [--online]',
  options: {
    ...configurationOptions,
    print: { type: 'boolean', short: 'p' },
    online: { type: 'boolean' },
  },
  help: () => `Checks the whole configuration, tells every mistake at once, and says what would listen where. Opens nothing,
and without --online connects to nothing.

Options:
  -c, --config FILE  configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -p, --print        print every setting with its value and where that came from; secrets are hidden
      --online       also connects to the webhooks, as a call would, and sends nothing
  -h, --help         this text

Examples:
  trunkbridge check
  trunkbridge check --online
  trunkbridge check --config /etc/trunkbridge/trunkbridge.yaml --print

Exit codes: 0 the configuration is good, 1 something was not reached (--online), 2 it is not good.

${configurationHelp()}`,
  async run(args, io) {
    const loaded = readConfiguration(args, io);
    if (loaded === undefined) return exitCodes.wrong;
    const forbidden = forbiddenWebhooks(loaded.config);
    if (forbidden.length > 0) {
      for (const problem of forbidden) io.err(`trunkbridge: ${problem}`);
      return exitCodes.wrong;
    }
    if (args['print'] === true) io.out(`${effective(loaded)}\n`);
    io.out(`The configuration is good${loaded.path === undefined ? '' : ` (${loaded.path})`}.\n`);
    io.out(
      summary(loaded.config)
        .map(([what, how]) => `  ${what.padEnd(6)}${how}`)
        .join('\n'),
    );
    for (const note of [...loaded.notes, ...capacityNotes(loaded.config)]) io.err(`note: ${note}`);
    if (args['online'] !== true) return exitCodes.ok;
    const unreached = await unreachableWebhooks(loaded.config);
    for (const problem of unreached) io.err(`trunkbridge: ${problem}`);
    if (unreached.length === 0) io.out('Every webhook can be reached.');
    return unreached.length === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

/** Every setting as YAML by its flat key, with its origin as a comment. */
function effective({ origins }: LoadedConfig): string {
  return Object.entries(origins)
    .map(
      ([key, { shown, where }]) =>
        `${shown === undefined ? `# ${key}:` : `${key}: ${JSON.stringify(shown)}`}  # ${where}`,
    )
    .join('\n');
}

const pairs = ({ media: { rtpPorts } }: Config): number =>
  Math.floor((rtpPorts.last - rtpPorts.first + 1) / 2);

function summary(config: Config): [string, string][] {
  const { sip, media, network, http, secrets, elevenlabs, twilio } = config;
  const lines: [string, string][] = sip.listen.map(({ transport, ...at }) => [
    'sip',
    `${transport} ${writeHostPort(at)}`,
  ]);
  lines.push(...trunkLines(config));
  lines.push([
    'rtp',
    `udp ${media.rtpPorts.first}-${media.rtpPorts.last}: ${pairs(config)} pairs, ${media.workers} worker thread(s)`,
  ]);
  const { publicAddress } = network;
  if (publicAddress !== undefined)
    lines.push(['', `as ${publicAddress} outside of ${network.localNetworks.join(', ') || 'nothing'}`]);
  const keys = secrets.apiKeys.map(({ name, role }) => `${name} (${role})`).join(', ');
  lines.push([
    'http',
    `${writeHostPort(http.listen)}, ${keys === '' ? 'health only: no API_KEYS' : `keys: ${keys}`}`,
  ]);
  if (http.publicListen !== undefined) {
    const served = [
      ...(secrets.tools === undefined ? [] : ['webhook tools']),
      ...(http.publicUrl === undefined ? [] : ['Twilio']),
    ];
    const outside = http.publicUrl === undefined ? '' : `, from outside ${http.publicUrl}`;
    lines.push(['', `${writeHostPort(http.publicListen)} for ${served.join(' and ')}${outside}`]);
  }
  if (http.streamListen !== undefined)
    lines.push([
      '',
      `${writeHostPort(http.streamListen)} for media streams, and a port more for each media worker`,
    ]);
  lines.push(['agent', `${elevenlabs.agentId ?? 'by numbers alone'} at ${elevenlabs.baseUrl}`]);
  const verify = twilio.senders.verifyServiceSid;
  lines.push([
    'tools',
    verify === undefined
      ? 'one-time codes are off: no TWILIO_VERIFY_SERVICE_SID'
      : `one-time codes by ${verify}`,
  ]);
  lines.push(...webhookLines(config));
  return lines;
}

function trunkLines({ sip, trunks, numbers }: Config): [string, string][] {
  if (trunks.length === 0) return [['', `calls from ${sip.allow.join(', ')}`]];
  const lines = trunks.map(({ name, allowedAddresses, username, remoteDomains }): [string, string] => {
    const from = allowedAddresses.length === 0 ? 'anywhere' : allowedAddresses.join(', ');
    const proof = [
      ...(username === undefined ? [] : ['a password']),
      ...(remoteDomains.length === 0 ? [] : [`a certificate for ${remoteDomains.join(' or ')}`]),
    ];
    return [
      'trunk',
      `${name}: calls from ${from}${proof.length === 0 ? '' : ` with ${proof.join(' and ')}`}`,
    ];
  });
  return [...lines, ['', `${numbers.length} entries in numbers`]];
}

function capacityNotes(config: Config): string[] {
  const { maxCalls } = config.call;
  return maxCalls <= pairs(config)
    ? []
    : [`call.max_calls is ${maxCalls}, and RTP_PORTS has room for ${pairs(config)} calls.`];
}
