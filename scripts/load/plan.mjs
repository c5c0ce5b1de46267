// What a load run will do, and the named limits of the daemon that it needs raised.
import { settings } from '../../dist/src/config/settings.js';
import { stackLimits } from '../../dist/src/sip/embedded/limits.js';
import { trunkLimits } from '../../dist/src/trunks/limits.js';

/** Seconds for which an answered INVITE's transaction is kept (RFC 6026: 64*T1). */
const transactionSeconds = 32;
/** Seconds for which a used port pair rests. */
const portRestSeconds = 2;
/** Room above what is needed, so that a burst is no refusal. */
const room = 1.25;

const firstRtpPort = 10_000;
/** SIPp sends the sound of every call from one port. */
export const sippMediaPort = 7_000;

/** Which of the bench's profiles has an agent of this format. */
const agentProfiles = { ulaw_8000: 'pcmu', pcm_16000: 'g722' };

/** @param options as `load.mjs` has parsed them */
export function makePlan(options) {
  const calls = number(options, 'calls', 1, 5000);
  const rate = number(options, 'rate', 0.1, 2000);
  const length = options.length === undefined ? calls / rate : number(options, 'length', 0.2, 3600);
  const duration = Math.max(number(options, 'duration', 1, 86_400), length);
  const total = Math.ceil(Math.max(rate * (duration - length), calls));
  const codecs = { pcmu: ['PCMU'], pcma: ['PCMA'], mixed: ['PCMU', 'PCMA'] }[options.codec.toLowerCase()];
  if (codecs === undefined) throw new UsageError('--codec is pcmu, pcma or mixed');
  if (!['one', 'each'].includes(options.connections))
    throw new UsageError('--connections is one (a trunk) or each (one a call)');
  const settleMs = number(options, 'settle', 0, 5000);
  const chunkMs = number(options, 'chunk', 20, 100);
  const maxLoss = number(options, 'max-loss', 0, 100);
  const workers = options.workers === 'auto' ? 'auto' : number(options, 'workers', 1, 64);
  const connections = options.connections;
  if (!['sound', 'none'].includes(options.media)) throw new UsageError('--media is sound or none');
  const { format, media, profile } = options;
  const agentProfile = agentProfiles[format];
  if (agentProfile === undefined)
    throw new UsageError(`--format is ${Object.keys(agentProfiles).join(' or ')}`);
  const limits = options.limit.map(each => each.split('='));
  if (limits.some(each => each.length !== 2)) throw new UsageError('--limit is a name, = and a value');
  const mayRefuse = options['may-refuse'] === true;
  if (mayRefuse && media !== 'none') throw new UsageError('--may-refuse needs --media none');
  const maxP99 = options['max-p99'] === undefined ? Infinity : number(options, 'max-p99', 1, 60_000);
  const minP99 = options['min-p99'] === undefined ? 0 : number(options, 'min-p99', 1, 60_000);
  const warm = number(options, 'warm', 0, 600);
  const sizes = { calls, rate, length, duration, total, warm };
  return {
    ...sizes,
    codecs,
    media,
    connections,
    settleMs,
    chunkMs,
    maxLoss,
    workers,
    format,
    agentProfile,
    mayRefuse,
    maxP99,
    minP99,
    profile,
    limits,
  };
}

/** The limits that the plan needs above their defaults: name, default and value. */
export function raisedLimits({ calls, rate, connections }) {
  const atOnce = Math.ceil(calls * room) + 10;
  const connected = connections === 'one' ? 10 : atOnce;
  // An INVITE and a BYE for each call; new INVITEs are turned away above a share of the limit.
  const transactions = Math.ceil(((rate * 2 * transactionSeconds + calls) * room) / stackLimits.shedAt);
  const lastPort = firstRtpPort + 2 * Math.ceil((atOnce + rate * portRestSeconds) * room * 2);
  const defaultLast = Number(settings['media.rtp_ports'].fallback.split('-')[1]);
  const wanted = [
    ['call.max_calls', Number(settings['call.max_calls'].fallback), atOnce],
    ['sip.limits.connections', stackLimits.connections, connected],
    ['sip.limits.connectionsPerSource', stackLimits.connectionsPerSource, connected],
    ['sip.limits.transactions', stackLimits.transactions, transactions],
    ['sip.limits.trunkInvitesPerSecond', trunkLimits.trunkInvitesPerSecond, Math.ceil(rate * room)],
    ['media.rtp_ports', defaultLast, lastPort],
  ];
  return wanted
    .filter(([, usual, needed]) => needed > usual)
    .map(([name, usual, needed]) => ({ name, usual, value: Math.min(needed, 65_535) }))
    .map(each => (each.name === 'media.rtp_ports' ? ports(each) : each));
}

function ports({ name, usual, value }) {
  return { name, usual: `${firstRtpPort}-${usual}`, value: `${firstRtpPort}-${value}` };
}

/** The daemon's configuration file. */
export function configuration(plan, raised) {
  const sections = new Map([
    ['agent', [`settle_ms: ${plan.settleMs}`, `input_chunk_ms: ${plan.chunkMs}`]],
    ['media', [`workers: ${plan.workers}`]],
    ['drain', ['deadline_seconds: 1']],
  ]);
  for (const { name, value } of raised) {
    const path = name.split('.');
    const key = path.pop();
    const section = path.join(':\n  ');
    sections.set(section, [...(sections.get(section) ?? []), `${key}: ${value}`]);
  }
  for (const [name, value] of plan.limits) {
    sections.set('sip:\n  limits', [...(sections.get('sip:\n  limits') ?? []), `${name}: ${value}`]);
  }
  const write = ([section, lines]) => {
    const indent = section.includes('\n') ? '    ' : '  ';
    return `${section}:\n${lines.map(line => indent + line).join('\n')}\n`;
  };
  return [...sections].map(write).join('');
}

export class UsageError extends Error {}

function number(options, name, least, most) {
  const value = Number(options[name]);
  if (options[name] === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} is a number from ${least} to ${most}`);
  }
  return value;
}
