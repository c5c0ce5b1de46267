import type { Clock } from '../core/clock.ts';
import { type EndingReason, ending } from '../core/ending.ts';
import type { Admission, RequestFacts, Source } from '../sip/signalling.ts';
import { calledUser, userOf } from './called-user.ts';
import { type DigestProof, type DigestRequest, DigestServer } from './digest.ts';
import { GuessGuard, Strangers, sourceKey, TokenBucket, type TrunkLimits, trunkLimits } from './limits.ts';
import { canonicalNumber } from './number.ts';
import type { Routing, Trunk } from './routing.ts';

/** Why a source was turned away without an answer. */
export type GateCause = 'source-not-allowed' | 'silenced' | 'too-many-strangers';

export interface GateOptions {
  readonly routing: Routing;
  /** Realm of digest authentication; that of the routing. */
  readonly realm: string;
  readonly clock: Clock;
  readonly limits?: Partial<TrunkLimits>;
  /** Something was left unanswered. */
  readonly onDropped: (cause: GateCause, address: string) => void;
}

/** Seconds after which somebody who asks too fast may ask again. */
const retryAfter = 5;

/** Who asks, as far as the gate knows. */
interface Asker {
  readonly key: string;
  readonly address: string;
  /** Neither its address nor its certificate is one that a trunk names. */
  readonly stranger: boolean;
  readonly method: string;
}

/**
 * Decides whether a request outside of any dialogue comes in, and over which trunk, before anything is kept of it.
 * Somebody who has no right hears the same whatever was asked, at little cost to us, and after a while nothing.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #limits: TrunkLimits;
  readonly #digest: DigestServer;
  readonly #strangers: Strangers;
  readonly #guesses: GuessGuard;
  readonly #everybody: TokenBucket;
  readonly #allStrangers: TokenBucket;
  readonly #perTrunk = new Map<string, TokenBucket>();
  #routing: Routing;

  constructor(options: GateOptions) {
    const { clock } = options;
    const limits = { ...trunkLimits, ...options.limits };
    this.#options = options;
    this.#limits = limits;
    this.#routing = options.routing;
    this.#digest = new DigestServer(options.realm, clock);
    this.#strangers = new Strangers(clock, limits);
    this.#guesses = new GuessGuard(clock, limits);
    this.#everybody = new TokenBucket(clock, limits.invitesPerSecond, limits.invitesPerSecond);
    this.#allStrangers = new TokenBucket(clock, limits.strangersPerSecond, 2 * limits.strangersPerSecond);
  }

  get routing(): Routing {
    return this.#routing;
  }

  /** From now on requests go by this routing. Who was silenced stays so. */
  use(routing: Routing): void {
    this.#routing = routing;
    for (const name of this.#perTrunk.keys()) {
      const trunk = routing.trunk(name);
      if (trunk === undefined) this.#perTrunk.delete(name);
      else this.#perTrunk.get(name)?.tune(...this.#rate(trunk));
    }
  }

  /** Why an address may not connect; undefined when it may. */
  objection(address: string): 'source-not-allowed' | 'silenced' | undefined {
    if (this.#routing.lists(address)) return undefined;
    if (!this.#routing.admits(address)) return 'source-not-allowed';
    const key = sourceKey(address);
    return this.#strangers.silenced(key) && !this.#strangers.signedIn(key) ? 'silenced' : undefined;
  }

  /** True for an address that no trunk names and that has not signed in lately. */
  isStranger(address: string): boolean {
    return !this.#routing.lists(address) && !this.#strangers.signedIn(sourceKey(address));
  }

  /** Whether a request inside a call of that trunk may come from here: who has only a password to show may not. */
  speaksFor(trunk: string, source: Source): boolean {
    return this.#routing.isOf(trunk, source);
  }

  /** A call that was let in from here is on until `ended` settles: its source counts as signed in. */
  holdsCall(address: string, ended: Promise<unknown>): void {
    const key = sourceKey(address);
    this.#strangers.callBegins(key);
    const over = () => this.#strangers.callEnds(key);
    ended.then(over, over);
  }

  /** A peer broke the rules of the protocol: strangers are soon left unanswered for it. */
  offence(address: string): void {
    if (address !== '' && this.isStranger(address)) this.#strangers.refuse(sourceKey(address));
  }

  admit(request: RequestFacts): Admission {
    const { method, source } = request;
    const key = sourceKey(source.address);
    const certified = this.#certified(source.certificateNames);
    const known = certified || this.#routing.lists(source.address);
    if (certified) this.#strangers.signIn(key);
    const asker: Asker = { key, address: source.address, stranger: !known, method };
    if (known && method !== 'INVITE') return { verdict: 'pass' };
    if (!known) {
      const turned = this.#screen(asker);
      if (turned !== undefined) return turned;
    }
    return this.#select(request, asker);
  }

  /** Strangers are measured before anything is looked at. */
  #screen(asker: Asker): Admission | undefined {
    const { key, address } = asker;
    if (this.#strangers.signedIn(key)) {
      this.#strangers.stay(key);
      return undefined;
    }
    if (this.#strangers.silenced(key)) return this.#drop('silenced', address);
    if (!this.#allStrangers.take()) return this.#drop('too-many-strangers', address);
    return this.#strangers.request(key) ? undefined : this.#busy(asker);
  }

  #select(request: RequestFacts, asker: Asker): Admission {
    const routing = this.#routing;
    const origin = { address: asker.address, certificateNames: request.source.certificateNames ?? [] };
    const matching = routing.candidates(origin);
    if (matching.length === 0) return this.#refuse(asker, 403, 'source-not-allowed');
    const accounts = request.header('X-Twilio-AccountSid');
    // Twilio's addresses are those of all its customers: the account tells whose call it is.
    const candidates = matching.filter(
      ({ accountSid }) =>
        accountSid === undefined || (accounts.length === 1 && accounts[0]?.trim() === accountSid),
    );
    if (candidates.length === 0) return this.#refuse(asker, 403, 'account-not-allowed');
    const open = candidates.filter(({ account }) => account === undefined);
    const closed = candidates.filter(({ account }) => account !== undefined);
    const given = closed.length === 0 ? [] : request.header('Authorization');
    const proof = given.length === 0 ? undefined : this.#prove(given, request, asker, closed);
    if (proof?.proof === 'user') {
      const trunk = closed.find(({ account }) => account?.username === proof.username);
      if (trunk !== undefined) return this.#pass(trunk, asker);
    }
    const trunk = this.#choose(request, open, closed);
    if (trunk !== undefined) return this.#pass(trunk, asker);
    return this.#challenge(asker, proof, closed);
  }

  /** Of trunks that need no password the one that has the number, else the first; none when the number is a closed one's. */
  #choose(request: RequestFacts, open: readonly Trunk[], closed: readonly Trunk[]): Trunk | undefined {
    const owners = [...open, ...closed].some(trunk => this.#routing.ownsNumbers(trunk));
    if (!owners || (open.length <= 1 && closed.length === 0)) return open[0];
    const fields = {
      requestUser: request.requestUser,
      calledParty: request.header('P-Called-Party-ID'),
      toUser: userOf(request.header('To')),
    };
    const owns = ({ name, registeredAs, trustIdentity: trusted }: Trunk) => {
      const user = calledUser(fields, { registeredAs, trusted });
      const number = canonicalNumber(user, this.#routing.countryOf(name));
      return this.#routing.entry(name, number)?.trunk === name;
    };
    return open.find(owns) ?? (closed.some(owns) ? undefined : open[0]);
  }

  #prove(
    given: readonly string[],
    request: RequestFacts,
    asker: Asker,
    closed: readonly Trunk[],
  ): DigestProof {
    const digestRequest: DigestRequest = { method: request.method, uri: request.uri, address: asker.address };
    const claim = this.#digest.claim(given, digestRequest);
    if ('proof' in claim) return claim;
    // A user of a trunk that this origin may not use is nobody here.
    const account = closed.find(trunk => trunk.account?.username === claim.username)?.account;
    const user = account?.username ?? '';
    if (!this.#guesses.allows(asker.key, user)) return { proof: 'none', guess: false };
    const proof = this.#digest.prove(claim, account, digestRequest);
    if (proof.proof === 'none') this.#guesses.wrong(asker.key, user);
    else this.#guesses.right(asker.key, user);
    if (proof.proof === 'user') this.#strangers.signIn(asker.key);
    return proof;
  }

  #pass(trunk: Trunk, asker: Asker): Admission {
    if (asker.method !== 'INVITE') return { verdict: 'pass', trunk: trunk.name };
    if (!this.#bucket(trunk).take()) return this.#busy(asker, `invites_per_second of trunk ${trunk.name}`);
    if (!this.#everybody.take()) return this.#busy(asker, 'invitesPerSecond');
    return { verdict: 'pass', trunk: trunk.name };
  }

  #challenge(asker: Asker, proof: DigestProof | undefined, closed: readonly Trunk[]): Admission {
    const stale = proof?.proof === 'stale';
    const reason =
      proof === undefined ? 'credentials-missing' : stale ? 'credentials-stale' : 'credentials-wrong';
    // Some older clients give up at an algorithm they do not know, so a trunk may leave one out.
    const wanted = closed.flatMap(({ account }) => account?.algorithms ?? []);
    const lines = this.#digest
      .challenge(asker.address, stale, wanted)
      .map(value => ['WWW-Authenticate', value] as const);
    return this.#refuse(asker, 401, reason, lines);
  }

  #refuse(
    asker: Asker,
    status: number,
    reason: EndingReason,
    headers: readonly (readonly [string, string])[] = [],
  ): Admission {
    // A PBX that pings without a password takes each 401 for a sign of life. Guesses have a limit of their own.
    if (asker.stranger && !this.#strangers.signedIn(asker.key)) this.#strangers.refuse(asker.key);
    return { verdict: 'refuse', status, end: ending(reason), headers };
  }

  /** `limit` is told to those who have a right to call. */
  #busy(asker: Asker, limit?: string): Admission {
    if (asker.stranger && limit === undefined) this.#strangers.refuse(asker.key);
    const headers: [string, string][] = [['Retry-After', String(retryAfter)]];
    if (limit !== undefined) headers.push(['Warning', `399 trunkbridge "over the limit ${limit}"`]);
    return { verdict: 'refuse', status: 503, end: ending('too-many-requests', limit), headers };
  }

  #drop(cause: GateCause, address: string): Admission {
    this.#options.onDropped(cause, address);
    return { verdict: 'drop' };
  }

  #certified(names: readonly string[] = []): boolean {
    if (names.length === 0) return false;
    return this.#routing.trunks.some(({ remoteDomains }) => remoteDomains.some(name => names.includes(name)));
  }

  #bucket(trunk: Trunk): TokenBucket {
    const found = this.#perTrunk.get(trunk.name);
    if (found !== undefined) return found;
    const made = new TokenBucket(this.#options.clock, ...this.#rate(trunk));
    this.#perTrunk.set(trunk.name, made);
    return made;
  }

  #rate({ limits }: Trunk): [rate: number, burst: number] {
    const rate = limits.invitesPerSecond ?? this.#limits.trunkInvitesPerSecond;
    return [rate, 2 * rate];
  }
}
