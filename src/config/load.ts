import { ok, type Result } from '../core/errors.ts';
import type { MediaEncryption, NumberConfig } from '../trunks/trunk.ts';
import { assemble } from './assemble.ts';
import { certificateNotes, readNamedCertificates } from './certificates.ts';
import type { Config } from './config.ts';
import { environmentNotes } from './environment.ts';
import { readMenus } from './menus.ts';
import { nearest } from './nearest.ts';
import { readNumbers } from './numbers.ts';
import type { Problem } from './problem.ts';
import { integer, share } from './readers.ts';
import type { Setting } from './setting.ts';
import {
  fileVariable,
  type SettingKey,
  type SettingValues,
  sectionKeys,
  settings,
  sipLimitsKey,
} from './settings.ts';
import { type Environment, type ReadText, readText, Sources } from './sources.ts';
import { readToolAccess } from './tool-access.ts';
import { readTransfers } from './transfers.ts';
import { readTrunks } from './trunks.ts';
import { twilioNotes } from './twilio-settings.ts';
import { verifyNotes } from './verify-settings.ts';

export interface LoadOptions {
  /** Path given by `--config`; without it `TRUNKBRIDGE_CONFIG`, without that no file. */
  readonly path?: string | undefined;
  /** Default: the environment of the process. */
  readonly env?: Environment;
  /** While calls are taken. A file that is empty then is one that somebody writes: it would leave no trunk and no password. */
  readonly again?: boolean;
  /** Limits of the SIP stack with their defaults: names that the file may use below `sip.limits`. */
  readonly sipLimits?: Readonly<Record<string, number>>;
  readonly read?: ReadText;
  /** What certificates are held against, ms since 1970; default: now. */
  readonly now?: number;
}

/** How a setting came to its value. */
export interface Origin {
  /** The value as written; secrets are hidden. Undefined when the setting is not set. */
  readonly shown: string | undefined;
  /** A variable, a place in the file, or `default`. */
  readonly where: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, if any. */
  readonly path: string | undefined;
  /** Things that are allowed and may still be a mistake, one sentence each. */
  readonly notes: readonly string[];
  readonly origins: Readonly<Record<SettingKey, Origin>>;
}

/** What a trunk that does not say does about SRTP; what is wrong with the setting itself is found with the others. */
function generalEncryption(sources: Sources): MediaEncryption {
  const setting = settings['media.encryption'];
  const found = sources.find('media.encryption', setting);
  const read = found === undefined ? undefined : setting.reader(found.raw);
  return read?.ok === true ? read.value : 'allowed';
}

/** Reads and checks the whole configuration. All problems are found at once. */
export function loadConfig(options: LoadOptions = {}): Result<LoadedConfig, readonly Problem[]> {
  const env = options.env ?? process.env;
  const path = options.path ?? (env[fileVariable]?.trim() || undefined);
  const sources = new Sources(env, options.read ?? readText);
  if (path !== undefined) {
    const mayBeEmpty = options.again !== true;
    sources.load(path, Object.keys(settings), sipLimitsKey, Object.values(sectionKeys), mayBeEmpty);
  }

  const { trunks, passwords } = readTrunks(sources, generalEncryption(sources));
  const numbers = readNumbers(
    sources,
    trunks.map(({ name }) => name),
  );
  const transfers = readTransfers(sources, trunks);
  const toolAccess = readToolAccess(sources);
  const menus = readMenus(sources);
  const certificates = readNamedCertificates(sources);
  const values: Record<string, unknown> = {};
  const paths: Record<string, string> = {};
  const origins: Record<string, Origin> = {};
  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting][]) {
    const problemsBefore = sources.problems.length;
    const found = sources.find(key, setting);
    const unreadable = sources.problems.length > problemsBefore;
    origins[key] = origin(setting, found);
    if (found === undefined) {
      if (setting.fallback !== undefined) values[key] = fallback(key, setting);
      else if (setting.required !== undefined && !unreadable && !isLifted(setting, sources)) {
        sources.problems.push({ where: setting.env ?? key, what: `is missing; ${setting.required}` });
      }
      continue;
    }
    if (unreadable) continue;
    const pem = setting.pem === true ? sources.pem(found) : undefined;
    if (pem?.path !== undefined) paths[key] = pem.path;
    const raw = setting.pem === true ? pem?.text : found.raw;
    if (raw === undefined) continue;
    const read = setting.reader(raw);
    if (read.ok) values[key] = read.value;
    else sources.problems.push({ where: found.where, what: read.failure });
  }
  const limits = sipLimits(sources, options.sipLimits ?? {});
  const sections = { trunks, passwords, numbers, transfers, toolAccess, menus, certificates, paths };
  const assembled = assemble(values as SettingValues, limits, sections, sources.problems);
  if (!assembled.ok) return assembled;
  const config = assembled.value;
  return ok({
    config,
    path,
    origins: origins as Record<SettingKey, Origin>,
    notes: [
      ...notes(config, env, origins['sip.allow']?.where),
      ...certificateNotes(config, options.now ?? Date.now()),
    ],
  });
}

/** A required setting that a section of the file makes up for. */
function isLifted({ unless }: Setting, sources: Sources): boolean {
  const tree = unless === undefined ? undefined : sources.tree(unless);
  return tree?.kind === 'list' && tree.items.length > 0;
}

/** A fallback that its own reader refuses is our mistake, not the operator's. */
function fallback(key: string, setting: Setting): unknown {
  const read = setting.reader(setting.fallback ?? '');
  if (!read.ok) throw new Error(`the default of ${key} ${read.failure}`);
  return read.value;
}

function origin(
  setting: Setting,
  found: { readonly raw: unknown; readonly where: string } | undefined,
): Origin {
  if (found === undefined)
    return { shown: setting.fallback, where: setting.fallback === undefined ? 'not set' : 'default' };
  const { raw, where } = found;
  const pemText = setting.pem === true && String(raw).includes('-----BEGIN');
  if (setting.secret === true) return { shown: '[hidden]', where };
  if (pemText) return { shown: '[PEM]', where };
  return { shown: Array.isArray(raw) ? raw.join(', ') : String(raw), where };
}

function sipLimits(sources: Sources, known: Readonly<Record<string, number>>): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const { name, entry } of sources.below(sipLimitsKey)) {
    if (!Object.hasOwn(known, name)) {
      const meant = nearest(name, Object.keys(known));
      const hint =
        meant === undefined ? `known are ${Object.keys(known).join(', ')}` : `did you mean ${meant}?`;
      sources.problems.push({ where: entry.where, what: `is not a limit of the SIP stack; ${hint}` });
      continue;
    }
    const value = (known[name]! < 1 ? share : integer(1, 2_147_483_647))(entry.raw);
    if (value.ok) limits[name] = value.value;
    else sources.problems.push({ where: entry.where, what: value.failure });
  }
  return limits;
}

function notes(config: Config, env: Environment, allowFrom: string | undefined): string[] {
  const found = [
    ...environmentNotes(env),
    ...queueNotes(config),
    ...trunkNotes(config),
    ...twilioNotes(config.twilio),
    ...verifyNotes(config.verify),
  ];
  if (config.trunks.length > 0) {
    if (allowFrom !== 'default')
      found.push('SIP_ALLOW is set, and has no effect while trunks are configured.');
    return found;
  }
  const everyone = config.sip.allow.find(network => network.endsWith('/0'));
  if (everyone !== undefined) {
    found.push(
      `SIP_ALLOW has ${everyone}: anybody who reaches the SIP port may call, and is believed about who calls.`,
    );
  }
  return found;
}

/** A caller who hears ringing in the queue is given up when the ringing is over. */
function queueNotes({ agent, call, numbers }: Config): string[] {
  const useless = ({ queuePolicy, queueWaitMs, ringMs }: NumberConfig['policy']) =>
    (queuePolicy ?? agent.queuePolicy) === 'ring' &&
    (queueWaitMs ?? agent.queueWaitSeconds * 1000) > (ringMs ?? call.ringSeconds * 1000);
  const entries = numbers.filter(({ policy }) => useless(policy)).length;
  if (!useless({}) && entries === 0) return [];
  const where = useless({}) ? 'agent' : `${entries} of the entries in numbers`;
  return [
    `With queue_policy ring a caller waits no longer than ring_seconds: a queue_wait_seconds above it has no effect (${where}).`,
  ];
}

function trunkNotes({ trunks, numbers, elevenlabs }: Config): string[] {
  const found: string[] = [];
  for (const { name, allowedAddresses, username, remoteDomains } of trunks) {
    const everyone = allowedAddresses.find(network => network.endsWith('/0'));
    if (everyone !== undefined && username === undefined && remoteDomains.length === 0) {
      found.push(`Trunk ${name} allows ${everyone}: anybody who reaches the SIP port may call.`);
    }
  }
  const everyNumber =
    elevenlabs.agentId !== undefined || numbers.some(({ pattern }) => pattern.kind === 'any');
  if (!everyNumber)
    found.push('Numbers without an entry are refused with 404: there is no "*" and no ELEVENLABS_AGENT_ID.');
  return found;
}
