import { fail, ok } from '../core/errors.ts';
import { parseUri } from '../sip/embedded/message/uri.ts';
import type { TransferDestination, TransferHeader, TransferType } from '../tools/transfer/destination.ts';
import type { UserToUser } from '../tools/transfer/user-to-user.ts';
import type { ConfiguredTrunk } from './config.ts';
import { importedId } from './imported.ts';
import { choice, type Reader, text } from './readers.ts';
import { Section } from './section.ts';
import { sectionKeys } from './settings.ts';
import type { Sources } from './sources.ts';

const transferTypes: readonly TransferType[] = ['conference', 'blind', 'sip_refer'];

/** Bounds of ElevenLabs' own tool: custom headers of one transfer, and bytes of User-to-User. */
const mostHeaders = 20;
const mostUserToUserBytes = 256;

/** Reads `transfers`: whom agents may transfer callers to, in the words of ElevenLabs' own tool. */
export function readTransfers(
  sources: Sources,
  trunks: readonly ConfiguredTrunk[],
): readonly TransferDestination[] {
  const transfers: TransferDestination[] = [];
  const ways = trunks.filter(({ outbound }) => outbound !== undefined).map(({ name }) => name);
  for (const section of Section.all(sources, sectionKeys.transfers)) {
    const transfer = readTransfer(section, ways);
    section.finish();
    if (transfer === undefined) continue;
    const same = (name: string) => name.toLowerCase() === transfer.name.toLowerCase();
    if (transfers.some(({ name }) => same(name))) section.complain('is the name of two transfers', 'name');
    transfers.push(transfer);
  }
  return transfers;
}

function readTransfer(section: Section, ways: readonly string[]): TransferDestination | undefined {
  const name = section.value('name', text(/^[^\p{C}]{1,64}$/u, 'one line of up to 64 characters'));
  if (!section.has('name')) section.complain('needs a name');
  const number = section.value('phone_number', phoneNumber);
  const uri = section.value('sip_uri', sipUri);
  if (section.has('phone_number') === section.has('sip_uri')) {
    section.complain('needs exactly one of phone_number and sip_uri');
  }
  const transferType = section.value('transfer_type', choice(transferTypes)) ?? 'conference';
  const trunk = readTrunkName(section, ways);
  if (transferType === 'conference' && trunk === undefined && !section.has('trunk')) {
    section.complain('is a conference, which needs a trunk with an outbound_trunk_config: name it in trunk');
  }
  const headers = readHeaders(section);
  const uui = readUserToUser(section);
  const postDialDigits = section.value(
    'post_dial_digits',
    text(/^[0-9*#wW]{1,32}$/, 'up to 32 of 0-9, *, #, w (0.5 s) and W (1 s)'),
  );
  const destination = number ?? uri;
  if (name === undefined || destination === undefined) return undefined;
  return {
    name,
    destination,
    transferType,
    headers,
    ...(uui === undefined ? {} : { uui }),
    ...(postDialDigits === undefined ? {} : { postDialDigits }),
    ...(trunk === undefined ? {} : { trunk }),
  };
}

/** The trunk of a second leg: where only one can call, it need not be named. */
function readTrunkName(section: Section, ways: readonly string[]): string | undefined {
  const given = section.value('trunk', text());
  if (given === undefined) return ways.length === 1 ? ways[0] : undefined;
  // What was imported is in the store, which is not asked while a file is read.
  if (ways.includes(given) || importedId.test(given)) return given;
  const known = ways.length === 0 ? 'there is none' : `there are ${ways.join(', ')}`;
  const imported = 'that of an imported number is named by its id, phnum_…';
  section.complain(`names no trunk with an outbound_trunk_config; ${known}; ${imported}`, 'trunk');
  return undefined;
}

function readHeaders(section: Section): TransferHeader[] {
  const headers: TransferHeader[] = [];
  for (const item of section.items('custom_sip_headers')) {
    const type = item.value('type', choice(['static', 'dynamic'] as const)) ?? 'static';
    const key = item.value(
      'key',
      text(/^X-[A-Za-z0-9-]{1,62}$/i, 'the name of an X- header of up to 64 characters'),
    );
    const value = item.value(
      'value',
      type === 'static'
        ? text(/^[^\p{C}]{1,512}$/u, 'one line of up to 512 characters')
        : text(/^[a-z][a-z0-9_]{0,63}$/, 'the name of a variable of the call'),
    );
    for (const needed of ['key', 'value']) if (!item.has(needed)) item.complain(`needs a ${needed}`);
    item.finish();
    if (key !== undefined && value !== undefined) headers.push({ type, key, value });
  }
  if (headers.length > mostHeaders) {
    section.complain(`are more than ${mostHeaders}`, 'custom_sip_headers');
  }
  return headers;
}

function readUserToUser(section: Section): UserToUser | undefined {
  if (!section.has('uui')) return undefined;
  const uui = section.inner('uui');
  const data = uui.value('data', raw => {
    const given = String(raw);
    return given !== '' && Buffer.byteLength(given) <= mostUserToUserBytes
      ? ok(given)
      : fail(`must be text of at most ${mostUserToUserBytes} bytes`);
  });
  if (!uui.has('data')) uui.complain('needs data');
  const protocolDiscriminator =
    uui.value('protocol_discriminator', text(/^[0-9a-fA-F]{2}$/, 'two hexadecimal digits in quotes')) ?? '00';
  const mode = uui.value('mode', choice(['prefix', 'pd_parameter'] as const)) ?? 'prefix';
  uui.finish();
  return data === undefined ? undefined : { data, protocolDiscriminator, mode };
}

type Destination = TransferDestination['destination'];

export const phoneNumber: Reader<Destination> = raw => {
  const number = String(raw).replace(/[\s().-]/g, '');
  return /^\+[1-9]\d{6,14}$/.test(number)
    ? ok({ kind: 'phone', number })
    : fail('must be a number with plus and country code, like "+14155550123"');
};

export const sipUri: Reader<Destination> = raw => {
  const uri = String(raw).trim();
  const parsed = parseUri(uri);
  const plain = parsed?.headers === '' && !/[<>"\s]/.test(uri) && parsed.user !== '' && parsed.host !== '';
  return plain && (parsed.scheme === 'sip' || parsed.scheme === 'sips')
    ? ok({ kind: 'sip', uri })
    : fail('must be a SIP URI like sip:support@pbx.example.com');
};
