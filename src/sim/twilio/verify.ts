import { randomInt } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { type SimAnswer, type SimErrorCode, simError } from './errors.ts';
import { listByUrl } from './paging.ts';
import { iso8601, newSid } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

export interface SimVerifyOptions {
  readonly clock: Clock;
  readonly accountSid: string;
  readonly serviceSid: string;
  /** Digits in a code. */
  readonly codeLength: number;
  /** How long a verification lives, ms. */
  readonly lifeMs: number;
  /** Called with each message that would have reached a telephone. */
  readonly onText: (text: SimText) => void;
}

/** A message that would have reached a telephone. */
export interface SimText {
  readonly to: string;
  readonly channel: string;
  readonly code: string;
}

interface Verification {
  readonly sid: string;
  readonly to: string;
  readonly code: string;
  readonly born: number;
  readonly expires: number;
  channel: string;
  status: 'pending' | 'approved' | 'canceled';
  checks: number;
  readonly sends: { time: string; channel: string; attempt_sid: string }[];
}

/** Verify allows this many sends to one number and checks of one verification. */
const maxSends = 5;
const maxChecks = 5;
const channels: readonly string[] = ['sms', 'call', 'email', 'whatsapp', 'sna'];
const host = 'verify.twilio.com';

/** One Verify service with its state: what is pending, which code was sent where, how often it was tried. */
export class SimVerify {
  readonly #options: SimVerifyOptions;
  readonly #bySid = new Map<string, Verification>();
  readonly #byTo = new Map<string, Verification>();
  readonly #lastText = new Map<string, string>();
  readonly #refusals = new Map<string, SimErrorCode>();

  readonly #born: number;
  /** Whether the service has somebody who sends its e-mails. */
  hasEmail = false;

  constructor(options: SimVerifyOptions) {
    this.#options = options;
    this.#born = options.clock.wall();
  }

  get routes(): readonly SimRoute[] {
    const base = `/v2/Services/${this.#options.serviceSid}`;
    return [
      ['GET', '/v2/Services', request => this.#list(request)],
      ['GET', base, () => ({ status: 200, body: this.#service() })],
      ['POST', `${base}/Verifications`, ({ form }) => this.create(form)],
      ['GET', `${base}/Verifications/{name}`, ({ at }) => this.fetch(at['name'] ?? '')],
      ['POST', `${base}/Verifications/{name}`, ({ at, form }) => this.update(at['name'] ?? '', form)],
      ['POST', `${base}/VerificationCheck`, ({ form }) => this.check(form)],
    ];
  }

  /** From now on every send to `to` is refused with `code`; undefined takes that back. */
  refuse(to: string, code: SimErrorCode | undefined): void {
    if (code === undefined) this.#refusals.delete(to);
    else this.#refusals.set(to, code);
  }

  codeFor(to: string): string | undefined {
    return this.#lastText.get(to);
  }

  create(form: URLSearchParams): SimAnswer {
    const to = form.get('To') ?? '';
    const channel = form.get('Channel') ?? '';
    const address = channel === 'email' ? /^[^@\s]+@[^@\s]+$/ : /^\+[1-9]\d{6,14}$/;
    if (channel === 'email' && !this.hasEmail) return simError(60217);
    if (!address.test(to)) return simError(60200, `To: ${to}`);
    if (!channels.includes(channel)) return simError(60200, `Channel: ${channel}`);
    const refused = this.#refusals.get(to);
    if (refused !== undefined && !(refused === 60205 && channel === 'call')) return simError(refused, to);
    const verification = this.#live(this.#byTo.get(to)) ?? this.#begin(to);
    if (verification.checks >= maxChecks) return simError(60202);
    if (verification.sends.length >= maxSends) return simError(60203);
    verification.channel = channel;
    verification.sends.push({
      time: this.#time(),
      channel: channel.toUpperCase(),
      attempt_sid: newSid('VL'),
    });
    this.#lastText.set(to, verification.code);
    this.#options.onText({ to, channel, code: verification.code });
    return { status: 201, body: this.#resource(verification) };
  }

  check(form: URLSearchParams): SimAnswer {
    const code = form.get('Code') ?? '';
    const name = form.get('VerificationSid');
    const to = form.get('To');
    if (name === null && to === null) return simError(60200, 'To: ');
    if (!/^.{4,10}$/.test(code)) return simError(60200, `Code: ${code}`);
    const found = this.#live(name === null ? this.#byTo.get(to ?? '') : this.#bySid.get(name));
    if (found === undefined || found.status !== 'pending') return simError(20404, 'VerificationCheck');
    found.checks += 1;
    if (found.checks > maxChecks) return simError(60202);
    if (found.code === code) {
      found.status = 'approved';
      this.#forget(found);
    }
    return { status: 200, body: { ...this.#fields(found), sna_attempts_error_codes: [] } };
  }

  fetch(name: string): SimAnswer {
    const found = this.#live(this.#bySid.get(name) ?? this.#byTo.get(name));
    return found === undefined
      ? simError(20404, `Verifications/${name}`)
      : { status: 200, body: this.#resource(found) };
  }

  update(name: string, form: URLSearchParams): SimAnswer {
    const status = form.get('Status');
    if (status !== 'canceled' && status !== 'approved') return simError(60200, `Status: ${status ?? ''}`);
    const found = this.#live(this.#bySid.get(name) ?? this.#byTo.get(name));
    if (found === undefined || found.status !== 'pending') return simError(20404, `Verifications/${name}`);
    found.status = status;
    this.#byTo.delete(found.to);
    if (status === 'approved') this.#bySid.delete(found.sid);
    return { status: 200, body: this.#resource(found) };
  }

  #list({ path, query }: SimRouted): SimAnswer {
    return listByUrl('services', [this.#service()], { host, path }, query);
  }

  #service(): Record<string, unknown> {
    const { serviceSid, accountSid, codeLength } = this.#options;
    const url = `https://${host}/v2/Services/${serviceSid}`;
    return {
      sid: serviceSid,
      account_sid: accountSid,
      friendly_name: 'Stand-in',
      code_length: codeLength,
      lookup_enabled: false,
      psd2_enabled: false,
      skip_sms_to_landlines: false,
      dtmf_input_required: true,
      tts_name: null,
      do_not_share_warning_enabled: false,
      custom_code_enabled: false,
      default_template_sid: null,
      verify_event_subscription_enabled: false,
      date_created: this.#time(this.#born),
      date_updated: this.#time(this.#born),
      url,
      links: { verifications: `${url}/Verifications`, verification_checks: `${url}/VerificationCheck` },
    };
  }

  #begin(to: string): Verification {
    const { clock, codeLength, lifeMs } = this.#options;
    const code = String(randomInt(0, 10 ** codeLength)).padStart(codeLength, '0');
    const born = clock.wall();
    const begun: Verification = {
      sid: newSid('VE'),
      to,
      code,
      born,
      expires: clock.now() + lifeMs,
      channel: 'sms',
      status: 'pending',
      checks: 0,
      sends: [],
    };
    this.#bySid.set(begun.sid, begun);
    this.#byTo.set(to, begun);
    return begun;
  }

  /** An approved or expired verification is gone for every later request. */
  #forget(verification: Verification): void {
    this.#bySid.delete(verification.sid);
    if (this.#byTo.get(verification.to) === verification) this.#byTo.delete(verification.to);
  }

  #live(verification: Verification | undefined): Verification | undefined {
    if (verification === undefined || this.#options.clock.now() < verification.expires) return verification;
    this.#forget(verification);
    return undefined;
  }

  #time(at = this.#options.clock.wall()): string {
    return iso8601(at);
  }

  #fields(verification: Verification): Record<string, unknown> {
    return {
      sid: verification.sid,
      service_sid: this.#options.serviceSid,
      account_sid: this.#options.accountSid,
      to: verification.to,
      channel: verification.channel,
      status: verification.status,
      valid: verification.status === 'approved',
      amount: null,
      payee: null,
      date_created: this.#time(verification.born),
      date_updated: this.#time(),
    };
  }

  #resource(verification: Verification): Record<string, unknown> {
    const base = `https://${host}/v2/Services/${this.#options.serviceSid}`;
    return {
      ...this.#fields(verification),
      lookup: {},
      send_code_attempts: verification.sends,
      sna: null,
      url: `${base}/Verifications/${verification.sid}`,
    };
  }
}
