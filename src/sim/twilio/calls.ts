import type { SimCallback, SimCallbacks } from './callbacks.ts';
import { type SimAnswer, type SimErrorCode, simError } from './errors.ts';
import type { SimCharge } from './message.ts';
import { listByUri, within } from './paging.ts';
import { SimRecordings } from './recordings.ts';
import { newSid, rfc2822, type SimOwner, uriOf } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

export type SimCallStatus =
  | 'queued'
  | 'initiated'
  | 'ringing'
  | 'in-progress'
  | 'completed'
  | 'busy'
  | 'failed'
  | 'no-answer'
  | 'canceled';

export interface SimTwilioCall {
  readonly sid: string;
  readonly parentSid: string | null;
  readonly direction: 'inbound' | 'outbound-api' | 'outbound-dial' | 'trunking-originating';
  readonly to: string;
  readonly from: string;
  /** Where its instructions come from. */
  url: string | undefined;
  twiml: string | undefined;
  readonly statusCallback: string | undefined;
  readonly statusCallbackEvents: readonly string[];
  readonly created: number;
  updated: number;
  started: number | undefined;
  ended: number | undefined;
  status: SimCallStatus;
  /** What it costs; null while that is not told yet, undefined: what every call costs, once it is over. */
  charge: SimCharge | null | undefined;
  /** Number of the next status callback. */
  sequence: number;
}

export interface SimCallsOptions extends SimOwner {
  readonly callbacks: SimCallbacks;
  /** Whether calls may come from that number. */
  readonly mayCall: (number: string) => boolean;
}

/** Twilio's limit on instructions given with a call, characters. */
const maxTwiml = 4000;
const finals: ReadonlySet<SimCallStatus> = new Set(['completed', 'busy', 'failed', 'no-answer', 'canceled']);
const endpoint = /^(\+[1-9]\d{6,14}|sips?:[^@\s]+@\S+|client:\S+)$/;

/** The account's calls: who called whom, how far it got, what was recorded. */
export class SimCalls {
  /** Oldest first. */
  readonly all: SimTwilioCall[] = [];
  readonly recordings: SimRecordings;
  readonly #options: SimCallsOptions;
  readonly #refusals = new Map<string, SimErrorCode>();
  readonly #watchers = new Set<(call: SimTwilioCall) => void>();

  constructor(options: SimCallsOptions) {
    this.#options = options;
    this.recordings = new SimRecordings(options, sid => this.find(sid) !== undefined);
  }

  get routes(): readonly SimRoute[] {
    const base = '/2010-04-01/Accounts/{account}/Calls';
    return [
      ['POST', `${base}.json`, ({ form }) => this.#create(form)],
      ['GET', `${base}.json`, request => this.#list(request)],
      ['GET', `${base}/{sid}.json`, ({ at }) => this.#fetch(at['sid'])],
      ['POST', `${base}/{sid}.json`, ({ at, form }) => this.#update(at['sid'], form)],
      ...this.recordings.routes,
    ];
  }

  /** From now on calls to that number are refused with `code`; undefined takes that back. */
  refuse(to: string, code: SimErrorCode | undefined): void {
    if (code === undefined) this.#refusals.delete(to);
    else this.#refusals.set(to, code);
  }

  /** A call that was not made over REST, such as one that came in; in progress unless told otherwise. */
  add(
    parts: Pick<SimTwilioCall, 'to' | 'from'> &
      Partial<Pick<SimTwilioCall, 'sid' | 'direction' | 'status' | 'parentSid' | 'statusCallback'>>,
  ): SimTwilioCall {
    const call = this.#keep({ direction: 'inbound', ...parts, url: undefined, twiml: undefined });
    this.#put(call, parts.status ?? 'in-progress');
    return call;
  }

  /** From now on a call costs that; null: it is not told yet what it costs. */
  charge(sid: string, charge: SimCharge | null): void {
    const call = this.find(sid);
    if (call === undefined) throw new Error(`There is no call ${sid}`);
    call.charge = charge;
  }

  find(sid: string | undefined): SimTwilioCall | undefined {
    return this.all.find(call => call.sid === sid);
  }

  /** Calls `changed` after each change of a call over REST: new instructions, or its end. */
  onUpdate(changed: (call: SimTwilioCall) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Puts a call into a status and tells its callback, where that event was asked for; settles with the answer. */
  async move(sid: string, status: SimCallStatus): Promise<SimCallback | undefined> {
    const call = this.find(sid);
    if (call === undefined) throw new Error(`There is no call ${sid}`);
    this.#put(call, status);
    const event = finals.has(status) ? 'completed' : status === 'in-progress' ? 'answered' : status;
    if (call.statusCallback === undefined || !call.statusCallbackEvents.includes(event)) return undefined;
    const fields = { ...this.fields(call), ...this.#progress(call) };
    call.sequence += 1;
    return this.#options.callbacks.post(call.statusCallback, fields);
  }

  /** The other side answers: the instructions are fetched, where they are behind a URL. */
  async answer(sid: string): Promise<SimCallback | undefined> {
    await this.move(sid, 'in-progress');
    const call = this.find(sid);
    return call?.url === undefined ? undefined : this.#options.callbacks.post(call.url, this.fields(call));
  }

  /** What every webhook of a call says of it. */
  fields(call: SimTwilioCall): Record<string, string> {
    return {
      CallSid: call.sid,
      AccountSid: this.#options.accountSid,
      ApiVersion: '2010-04-01',
      From: call.from,
      To: call.to,
      Caller: call.from,
      Called: call.to,
      CallStatus: call.status,
      Direction: call.direction,
      ...(call.parentSid === null ? {} : { ParentCallSid: call.parentSid }),
    };
  }

  #progress(call: SimTwilioCall): Record<string, string> {
    const { clock } = this.#options;
    return {
      Timestamp: rfc2822(clock.wall()),
      CallbackSource: 'call-progress-events',
      SequenceNumber: String(call.sequence),
      ...(call.ended === undefined ? {} : { CallDuration: duration(call), Duration: '1' }),
    };
  }

  #put(call: SimTwilioCall, status: SimCallStatus): void {
    const now = this.#options.clock.wall();
    call.status = status;
    call.updated = now;
    if (status === 'in-progress') call.started ??= now;
    if (finals.has(status)) call.ended ??= now;
  }

  #keep(
    parts: Pick<SimTwilioCall, 'to' | 'from' | 'direction' | 'url' | 'twiml'> &
      Partial<Pick<SimTwilioCall, 'sid' | 'parentSid' | 'statusCallback' | 'statusCallbackEvents'>>,
  ): SimTwilioCall {
    const now = this.#options.clock.wall();
    const call: SimTwilioCall = {
      parentSid: null,
      statusCallback: undefined,
      statusCallbackEvents: ['completed'],
      ...parts,
      sid: parts.sid ?? newSid('CA'),
      created: now,
      updated: now,
      started: undefined,
      ended: undefined,
      status: 'queued',
      charge: undefined,
      sequence: 0,
    };
    this.all.push(call);
    return call;
  }

  #create(form: URLSearchParams): SimAnswer {
    const to = form.get('To') ?? '';
    const from = form.get('From') ?? '';
    const url = form.get('Url') ?? undefined;
    const twiml = form.get('Twiml') ?? undefined;
    const objection = this.#objection(to, from, url, twiml ?? '', form.has('ApplicationSid'));
    if (objection !== undefined) return objection;
    const events = form.getAll('StatusCallbackEvent');
    const call = this.#keep({
      to,
      from,
      url,
      // Where both are given the URL is taken.
      twiml: url === undefined ? twiml : undefined,
      direction: 'outbound-api',
      statusCallback: form.get('StatusCallback') ?? undefined,
      ...(events.length === 0 ? {} : { statusCallbackEvents: events }),
    });
    return { status: 201, body: this.#resource(call) };
  }

  #objection(to: string, from: string, url: string | undefined, twiml: string, hasApplication: boolean) {
    if (to === '') return simError(21201);
    if (from === '') return simError(21213);
    if (!endpoint.test(to)) return simError(21211, to);
    if (!this.#options.mayCall(from)) return simError(21210, from);
    if (url === undefined && twiml === '' && !hasApplication) return simError(21205);
    if (url !== undefined && !/^https?:\/\//.test(url)) return simError(21205, url);
    if (twiml.length > maxTwiml) return simError(21627);
    const refused = this.#refusals.get(to);
    return refused === undefined ? undefined : simError(refused, to);
  }

  #update(sid: string | undefined, form: URLSearchParams): SimAnswer {
    const call = this.find(sid);
    if (call === undefined) return simError(20404, `Calls/${sid}`);
    const status = form.get('Status');
    if (status !== null && status !== 'completed' && status !== 'canceled') return simError(20001);
    if (finals.has(call.status)) return simError(21220, call.sid);
    call.url = form.get('Url') ?? call.url;
    call.twiml = form.get('Twiml') ?? call.twiml;
    if (status !== null) void this.move(call.sid, status);
    for (const changed of this.#watchers) changed(call);
    return { status: 200, body: this.#resource(call) };
  }

  #list({ query, path }: SimRouted): SimAnswer {
    const found = this.all.filter(
      call =>
        [
          ['To', call.to],
          ['From', call.from],
          ['ParentCallSid', call.parentSid],
          ['Status', call.status],
        ].every(([name, value]) => query.get(String(name)) === null || query.get(String(name)) === value) &&
        within(query, 'StartTime', call.started) &&
        within(query, 'EndTime', call.ended),
    );
    const items = found.reverse().map(call => this.#resource(call));
    return listByUri('calls', items, path, query);
  }

  #fetch(sid: string | undefined): SimAnswer {
    const call = this.find(sid);
    if (call === undefined) return simError(20404, `Calls/${sid}`);
    return { status: 200, body: this.#resource(call) };
  }

  #resource(call: SimTwilioCall): Record<string, unknown> {
    const { accountSid } = this.#options;
    const date = (wallMs: number | undefined) => (wallMs === undefined ? null : rfc2822(wallMs));
    const usual = call.ended === undefined ? null : { price: '-0.01400', unit: 'USD' };
    const charge = call.charge === undefined ? usual : call.charge;
    const at = (name: string) => uriOf(accountSid, `Calls/${call.sid}/${name}`);
    return {
      sid: call.sid,
      account_sid: accountSid,
      parent_call_sid: call.parentSid,
      to: call.to,
      to_formatted: call.to,
      from: call.from,
      from_formatted: call.from,
      phone_number_sid: null,
      status: call.status === 'initiated' ? 'queued' : call.status,
      direction: call.direction,
      start_time: date(call.started),
      end_time: date(call.ended),
      duration: call.ended === undefined ? null : duration(call),
      price: charge?.price ?? null,
      price_unit: charge?.unit ?? 'USD',
      answered_by: null,
      forwarded_from: null,
      caller_name: null,
      group_sid: null,
      trunk_sid: null,
      queue_time: '0',
      annotation: null,
      api_version: '2010-04-01',
      date_created: date(call.created),
      date_updated: date(call.updated),
      uri: uriOf(accountSid, `Calls/${call.sid}`),
      subresource_uris: { recordings: at('Recordings'), events: at('Events'), streams: at('Streams') },
    };
  }
}

/** Seconds that a call lasted, as text. */
function duration({ started, ended }: SimTwilioCall): string {
  return String(started === undefined || ended === undefined ? 0 : Math.round((ended - started) / 1000));
}
