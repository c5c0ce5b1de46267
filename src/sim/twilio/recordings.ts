import { type SimAnswer, simError } from './errors.ts';
import { listByUri, within } from './paging.ts';
import { newSid, rfc2822, type SimOwner, uriOf } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

export interface SimRecording {
  readonly sid: string;
  readonly callSid: string;
  readonly seconds: number;
  readonly channels: 1 | 2;
  readonly source: 'DialVerb' | 'OutboundAPI' | 'Trunking' | 'RecordVerb' | 'StartCallRecordingAPI';
  readonly created: number;
}

/** What was recorded of the account's calls. */
export class SimRecordings {
  /** Oldest first. */
  readonly all: SimRecording[] = [];
  readonly #owner: SimOwner;
  readonly #isCall: (sid: string) => boolean;

  constructor(owner: SimOwner, isCall: (sid: string) => boolean) {
    this.#owner = owner;
    this.#isCall = isCall;
  }

  get routes(): readonly SimRoute[] {
    const account = '/2010-04-01/Accounts/{account}';
    return [
      ['GET', `${account}/Calls/{call}/Recordings.json`, request => this.#listOfCall(request)],
      ['GET', `${account}/Recordings.json`, request => this.#list(request)],
      ['GET', `${account}/Recordings/{sid}.json`, ({ at }) => this.#fetch(at['sid'])],
      ['GET', `${account}/Recordings/{sid}.wav`, ({ at }) => this.#file(at['sid'])],
      ['GET', `${account}/Recordings/{sid}`, ({ at }) => this.#file(at['sid'])],
    ];
  }

  /** A call was recorded. */
  add(
    callSid: string,
    parts: Partial<Pick<SimRecording, 'seconds' | 'channels' | 'source'>> = {},
  ): SimRecording {
    const recording: SimRecording = {
      seconds: 4,
      channels: 1,
      source: 'StartCallRecordingAPI',
      ...parts,
      sid: newSid('RE'),
      callSid,
      created: this.#owner.clock.wall(),
    };
    this.all.push(recording);
    return recording;
  }

  #listOfCall({ at, path, query }: SimRouted): SimAnswer {
    const callSid = at['call'] ?? '';
    if (!this.#isCall(callSid)) return simError(20404, path);
    const found = this.all.filter(each => each.callSid === callSid);
    const items = found.reverse().map(each => ({ ...this.#resource(each), track: 'both' }));
    return listByUri('recordings', items, path, query);
  }

  #list({ path, query }: SimRouted): SimAnswer {
    const callSid = query.get('CallSid');
    const found = this.all.filter(
      each => (callSid === null || each.callSid === callSid) && within(query, 'DateCreated', each.created),
    );
    return listByUri(
      'recordings',
      found.reverse().map(each => this.#whole(each)),
      path,
      query,
    );
  }

  #fetch(sid: string | undefined): SimAnswer {
    const found = this.all.find(each => each.sid === sid);
    if (found === undefined) return simError(20404, `Recordings/${sid}`);
    return { status: 200, body: this.#whole(found) };
  }

  #file(sid: string | undefined): SimAnswer {
    const found = this.all.find(each => each.sid === sid);
    if (found === undefined) return simError(20404, `Recordings/${sid}`);
    return { status: 200, body: undefined, file: { type: 'audio/x-wav', bytes: silence(found.seconds) } };
  }

  #whole(recording: SimRecording): Record<string, unknown> {
    const path = uriOf(this.#owner.accountSid, `Recordings/${recording.sid}`);
    return {
      ...this.#resource(recording),
      media_url: `https://api.twilio.com${path.replace(/\.json$/, '')}`,
      subresource_uris: {},
    };
  }

  #resource(recording: SimRecording): Record<string, unknown> {
    const { accountSid } = this.#owner;
    const { sid, callSid, seconds, channels, source, created } = recording;
    return {
      sid,
      account_sid: accountSid,
      call_sid: callSid,
      conference_sid: null,
      duration: String(seconds),
      channels,
      source,
      status: 'completed',
      error_code: null,
      encryption_details: null,
      price: '-0.00250',
      price_unit: 'USD',
      start_time: rfc2822(created),
      date_created: rfc2822(created),
      date_updated: rfc2822(created),
      api_version: '2010-04-01',
      uri: uriOf(accountSid, `Recordings/${sid}`),
    };
  }
}

/** A WAV file of nothing: mu-law, 8 kHz, at most a minute. */
function silence(seconds: number): Buffer {
  const samples = 8000 * Math.min(60, seconds);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(7, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, Buffer.alloc(samples, 0xff)]);
}
