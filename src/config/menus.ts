import { fail, ok } from '../core/errors.ts';
import type { Menu, MenuAction, MenuChoice } from '../twilio/menu.ts';
import { choice, integer, type Reader, text } from './readers.ts';
import { Section } from './section.ts';
import { sectionKeys } from './settings.ts';
import type { Sources } from './sources.ts';
import { phoneNumber, sipUri } from './transfers.ts';

/** Bounds of one menu. */
const mostChoices = 20;
const mostVariables = 20;
const mostValueBytes = 1_024;

const line = (most: number) =>
  text(new RegExp(`^[^\\p{C}]{1,${most}}$`, 'u'), `one line of up to ${most} characters`);

/** Reads `menus`: what callers of Twilio numbers hear and may key before there is an agent (docs/twilio.md). */
export function readMenus(sources: Sources): readonly Menu[] {
  const menus: Menu[] = [];
  for (const section of Section.all(sources, sectionKeys.menus)) {
    const menu = readMenu(section);
    section.finish();
    if (menu === undefined) continue;
    if (menus.some(({ name }) => name === menu.name)) section.complain('is the name of two menus', 'name');
    menus.push(menu);
  }
  return menus;
}

function readMenu(section: Section): Menu | undefined {
  const name = section.value(
    'name',
    text(/^[a-z0-9][a-z0-9-]{0,63}$/, 'up to 64 of a-z, 0-9 and -, as it is part of a URL'),
  );
  const say = section.value('say', line(1_000));
  for (const needed of ['name', 'say', 'choices']) {
    if (!section.has(needed)) section.complain(`needs ${needed}`);
  }
  const voice = section.value('voice', text(/^[\w.-]{1,64}$/, "one of Twilio's voices, like Polly.Joanna"));
  const language = section.value('language', text(/^[a-zA-Z-]{2,16}$/, 'a language like en-GB'));
  const timeoutSeconds = section.value('timeout_seconds', integer(1, 60)) ?? 5;
  const tries = section.value('tries', integer(1, 5)) ?? 3;
  const goodbye = section.value('goodbye', line(1_000));
  const choices = section.items('choices').flatMap(item => readChoice(item) ?? []);
  const digits = choices.map(each => each.digits);
  if (new Set(digits).size < digits.length) section.complain('have the same digits twice', 'choices');
  if (choices.length > mostChoices) section.complain(`are more than ${mostChoices}`, 'choices');
  if (name === undefined || say === undefined || choices.length === 0) return undefined;
  return {
    ...{ name, say, timeoutSeconds, tries, choices },
    ...(voice === undefined ? {} : { voice }),
    ...(language === undefined ? {} : { language }),
    ...(goodbye === undefined ? {} : { goodbye }),
  };
}

function readChoice(section: Section): MenuChoice | undefined {
  const digits = section.value('digits', text(/^[0-9*#]{1,4}$/, '1 to 4 of 0-9, * and # in quotes'));
  if (!section.has('digits')) section.complain('needs digits');
  const say = section.value('say', line(1_000));
  const action = readAction(section);
  section.finish();
  if (digits === undefined || action === undefined) return undefined;
  return { digits, action, ...(say === undefined ? {} : { say }) };
}

const kinds = ['hangup', 'dial', 'agent'] as const;

function readAction(section: Section): MenuAction | undefined {
  const kind = section.value('action', choice(kinds));
  if (!section.has('action')) section.complain(`needs an action: ${kinds.join(', ')}`);
  const to = section.value('to', destination);
  const agentId = section.value('agent_id', text(/^[\w-]{1,128}$/, 'the id of an agent'));
  const variables = section.inner('variables').pairs(variableName, variableValue);
  if (kind !== 'dial' && section.has('to')) section.complain('is for the action dial alone', 'to');
  for (const key of ['agent_id', 'variables']) {
    if (kind !== 'agent' && section.has(key)) section.complain('is for the action agent alone', key);
  }
  if (Object.keys(variables).length > mostVariables) {
    section.complain(`are more than ${mostVariables}`, 'variables');
  }
  switch (kind) {
    case 'hangup':
      return { kind };
    case 'dial':
      if (!section.has('to')) section.complain('needs to: a number with plus and country code, or a SIP URI');
      return to === undefined ? undefined : { kind, to };
    case 'agent':
      return { kind, variables, ...(agentId === undefined ? {} : { agentId }) };
    default:
      return undefined;
  }
}

type Destination = Extract<MenuAction, { kind: 'dial' }>['to'];

const destination: Reader<Destination> = raw => {
  const uri = sipUri(raw);
  const found = uri.ok ? uri : phoneNumber(raw);
  return found.ok
    ? ok(found.value)
    : fail('must be a number with plus and country code, or a SIP URI like sip:desk@pbx.example.com');
};

function variableName(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) return 'must be up to 64 of a-z, 0-9 and _, a letter first';
  return name.startsWith('system__') || name.startsWith('secret__')
    ? 'begins with a word that is kept for ElevenLabs'
    : undefined;
}

const variableValue = (value: string): string | undefined =>
  Buffer.byteLength(value) <= mostValueBytes ? undefined : `is longer than ${mostValueBytes} bytes`;
