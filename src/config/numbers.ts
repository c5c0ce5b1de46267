import { readClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { NumberConfig, NumberPattern } from '../trunks/trunk.ts';
import { keyTones, queuePolicies } from './config.ts';
import { choice, country, integer, type Reader, text } from './readers.ts';
import { readRecording } from './recording.ts';
import { Section } from './section.ts';
import { sectionKeys } from './settings.ts';
import type { Sources } from './sources.ts';
import { readSurvival, readWaiting, refusedOverrides } from './survival.ts';
import { initiationPolicy } from './webhooks.ts';

/** Ways to say which numbers an entry means, of which it has one. */
const ways = ['phone_number', 'range', 'prefix'] as const;

/** Reads `numbers`. `trunks` are the names that an entry may give. */
export function readNumbers(sources: Sources, trunks: readonly string[]): NumberConfig[] {
  const numbers: NumberConfig[] = [];
  const seen = new Set<string>();
  for (const section of Section.all(sources, sectionKeys.numbers)) {
    const entry = readNumber(section, trunks);
    section.finish();
    if (entry === undefined) continue;
    const key = JSON.stringify([spelled(entry.pattern), entry.trunk ?? '']);
    if (seen.has(key)) section.complain('says the same numbers as an entry before it');
    seen.add(key);
    numbers.push(entry);
  }
  return numbers;
}

function readNumber(section: Section, trunks: readonly string[]): NumberConfig | undefined {
  const given = ways.filter(way => section.has(way));
  const number = section.value('phone_number', phoneNumber);
  const between = section.value('range', range);
  const beginning = section.value('prefix', prefix);
  const pattern = number ?? between ?? beginning;
  if (given.length !== 1) section.complain('needs exactly one of phone_number, range and prefix');
  const agentId = section.value(
    'agent_id',
    text(/^[\w-]{1,128}$/, 'the id as ElevenLabs shows it: letters, digits, _ and -'),
  );
  if (!section.has('agent_id')) section.complain('needs an agent_id');
  const label = section.value('label', text(/^.{1,64}$/, 'at most 64 characters'));
  const trunk = section.value('trunk', text());
  if (trunk !== undefined && !trunks.includes(trunk)) {
    const known = trunks.length === 0 ? 'there is none' : `there are ${trunks.join(', ')}`;
    section.complain(`names no trunk; ${known}`, 'trunk');
  }
  const defaultCountry = section.value('default_country', country);
  const policy = readPolicy(section);
  const initiation = section.value('initiation_webhook', initiationPolicy);
  const clientData = readStanding(section);
  if (pattern === undefined || agentId === undefined || given.length !== 1) return undefined;
  return {
    pattern,
    agentId,
    policy,
    ...(initiation === undefined ? {} : { initiation }),
    ...(clientData === undefined ? {} : { clientData }),
    ...(label === undefined ? {} : { label }),
    ...(trunk === undefined ? {} : { trunk }),
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
  };
}

/** The same text for the same numbers, as calls are compared with them: +4930…, 004930… and 4930… are one. */
function spelled(pattern: NumberPattern): NumberPattern {
  if (pattern.kind !== 'number') return pattern;
  return { ...pattern, number: pattern.number.replace(/^(?:\+|00)(?=\d)/, '').toLowerCase() };
}

/** What a number may have of its own, under the names and within the bounds that hold for all. */
function readPolicy(section: Section): NumberConfig['policy'] {
  const settleMs = section.value('settle_ms', integer(0, 5000));
  const queuePolicy = section.value('queue_policy', choice(queuePolicies));
  const queueWait = section.value('queue_wait_seconds', integer(1, 3600));
  const ring = section.value('ring_seconds', integer(5, 300));
  const longest = section.value('max_seconds', integer(10, 86_400));
  const refused = section.value('refused_overrides', choice(refusedOverrides));
  const survival = readSurvival(section);
  const waiting = readWaiting(section);
  const tones = section.value('dtmf_in_band', choice(keyTones));
  return {
    ...readRecording(section),
    ...(settleMs === undefined ? {} : { settleMs }),
    ...(queuePolicy === undefined ? {} : { queuePolicy }),
    ...(queueWait === undefined ? {} : { queueWaitMs: queueWait * 1000 }),
    ...(ring === undefined ? {} : { ringMs: ring * 1000 }),
    ...(longest === undefined ? {} : { longestMs: longest * 1000 }),
    ...(refused === undefined ? {} : { refusedOverrides: refused }),
    ...(survival === undefined ? {} : { survival }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(tones === undefined ? {} : { tones }),
  };
}

/** What conversations of the number begin with, in the words and within the bounds of ElevenLabs' own object. */
function readStanding(section: Section): NumberConfig['clientData'] {
  const key = 'conversation_initiation_client_data';
  const given = section.plain(key);
  if (given === undefined) return undefined;
  const read = readClientData(given);
  const problems = read.ok
    ? read.value.ignored.map(name => `${name} is not a key that can be set here`)
    : read.failure;
  for (const problem of problems) section.complain(problem, key);
  return read.ok ? read.value : undefined;
}

const plain = (given: string) => given.replace(/[\s().-]/g, '');
const digitsOf = (given: string) => /^\+?(\d{1,17})$/.exec(plain(given))?.[1];

const phoneNumber: Reader<NumberPattern> = raw => {
  const given = String(raw).trim();
  if (given === '*') return ok({ kind: 'any' });
  const number = plain(given);
  return /^\+?\d{1,17}$/.test(number) || /^[\w.+-]{1,64}$/.test(given)
    ? ok({ kind: 'number', number: digitsOf(given) === undefined ? given : number })
    : fail('must be a number like +4930901820, the name of an extension, or "*" for all others');
};

/** `+4930901800-+4930901899`, the dash with or without blanks. */
const range: Reader<NumberPattern> = raw => {
  const match = /^(\+?\d{1,17})\s*-\s*(\+?\d{1,17})$/.exec(String(raw).trim());
  const first = digitsOf(match?.[1] ?? '');
  const last = digitsOf(match?.[2] ?? '');
  return first === undefined || last === undefined || first.length !== last.length || first > last
    ? fail('must be two numbers of the same length, the smaller first: +4930901800-+4930901899')
    : ok({ kind: 'range', first, last });
};

const prefix: Reader<NumberPattern> = (raw): Result<NumberPattern, string> => {
  const digits = digitsOf(String(raw));
  return digits === undefined ? fail('must be digits, like +4930') : ok({ kind: 'prefix', prefix: digits });
};
