import { filesOf, readAgain, type TlsTexts } from './config/certificates.ts';
import { changesBetween, liveParts, withCertificates } from './config/changes.ts';
import type { Config } from './config/config.ts';
import { FileWatch } from './config/file-watch.ts';
import { type ImportedNumbers, lostTransfers, noImports, withImported } from './config/imported.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Problem } from './config/problem.ts';
import { readText } from './config/sources.ts';
import type { Clock } from './core/clock.ts';
import { messageOf, type Result } from './core/errors.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import type { ReloadOutcome } from './http/reload.ts';
import type { Metrics } from './observability/metrics.ts';
import type { PeerRefusal } from './sip/embedded/stack.ts';
import type { TlsMaterial } from './sip/embedded/transport/secure-contexts.ts';
import { Gate } from './trunks/gate.ts';
import { CallPlaces, trunkLimits } from './trunks/limits.ts';
import { implicitTrunk, Routing } from './trunks/routing.ts';

export interface AccessParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly metrics: Pick<Metrics, 'certificates'>;
  /** Reads the whole configuration again; absent where there is nothing to read it from. */
  readonly load?: () => Result<LoadedConfig, readonly Problem[]>;
  readonly setLogLevel: (level: string) => void;
}

/** Refusals by which a stranger shows that it is no telephone. */
const offences: ReadonlySet<PeerRefusal> = new Set([
  'framing-error',
  'handshake-failed',
  'message-timeout',
  'not-its-dialogue',
  'too-many-bad-messages',
  'too-many-pings',
]);

/** Who may call and with which certificates we meet them, as the configuration says now: a reload swaps it. */
export class Access {
  readonly gate: Gate;
  readonly places = new CallPlaces();
  readonly callsPerTrunk: number;
  readonly #parts: AccessParts;
  /** What the configuration says; what is in force has imported numbers on top. */
  #config: Config;
  #imported = noImports;
  /** The country of numbers for all: a reload does not change it. */
  readonly #country: string | undefined;
  #inForce: Config;
  #material: TlsMaterial | undefined;
  #show: (material: TlsMaterial) => void = () => undefined;
  #watch: FileWatch | undefined;
  #started = false;
  /** Transfers that were last told to lead nowhere. */
  #lost = '';
  /** Called when something else is in force. */
  onSwapped: () => void = () => undefined;

  constructor(config: Config, parts: AccessParts) {
    const limits = { ...trunkLimits, ...config.sip.limits };
    this.#parts = parts;
    this.#config = config;
    this.#country = config.tools.defaultCountry;
    this.#inForce = config;
    this.#material = materialOf(config);
    this.callsPerTrunk = limits.trunkCalls;
    this.gate = new Gate({
      routing: routingOf(config, this.#country),
      realm: config.sip.realm,
      clock: parts.clock,
      limits,
      onDropped: (cause, source) => parts.events.emit({ type: 'peer-refused', cause, source }),
    });
    this.#tellExpiry();
  }

  /** What is in force now. */
  get config(): Config {
    return this.#inForce;
  }

  /** What the configuration says alone. */
  get configured(): Config {
    return this.#config;
  }

  /** Numbers that came over the API hold from now on, for new calls, in the place of those before. */
  import(imported: ImportedNumbers): void {
    const inForce = withImported(this.#config, imported);
    const routing = routingOf(inForce, this.#country);
    this.#imported = imported;
    this.#inForce = inForce;
    this.gate.use(routing);
    this.#tellLost();
    this.onSwapped();
  }

  get material(): TlsMaterial | undefined {
    return this.#material;
  }

  /** A connection was refused or closed by us. */
  readonly refused = (cause: PeerRefusal, source: string): void => {
    if (offences.has(cause)) this.gate.offence(source);
    this.#parts.events.emit({ type: 'peer-refused', cause, source });
  };

  /** From now on certificates that change are handed to `show`. */
  start(show: (material: TlsMaterial) => void): void {
    this.#show = show;
    this.#started = true;
    this.#tellLost();
    this.#watchFiles();
  }

  stop(): void {
    this.onSwapped = () => undefined;
    this.#watch?.close();
  }

  /** Reads the whole configuration and swaps what may be swapped while calls are up. A bad one changes nothing. */
  readonly reload = async (): Promise<ReloadOutcome> => {
    const { load, log } = this.#parts;
    if (load === undefined) return bad('reload', 'there is no file that this process was started with');
    const loaded = load();
    if (!loaded.ok) {
      const problems = loaded.failure.map(({ where, what }) => `${where}: ${what}`);
      log.error('the configuration was not reloaded: it cannot be used', { problems });
      return { ok: false, problems: loaded.failure };
    }
    try {
      return this.#swap(loaded.value.config);
    } catch (error) {
      log.error('the configuration was not reloaded', { error: messageOf(error) });
      return bad('sip.tls_cert', 'a certificate or key is not accepted by the TLS library');
    }
  };

  #swap(after: Config): ReloadOutcome {
    const { log, setLogLevel } = this.#parts;
    const { live, restart } = changesBetween(this.#config, after);
    const config = liveParts(this.#config, after);
    const inForce = withImported(config, this.#imported);
    const routing = routingOf(inForce, this.#country);
    // A listener that was made without TLS has no use for a certificate.
    const material = this.#material === undefined ? undefined : materialOf(config);
    // First what may fail; nothing has been changed until then.
    if (material !== undefined) this.#show(material);
    this.#material = material ?? this.#material;
    this.#config = config;
    this.#inForce = inForce;
    this.gate.use(routing);
    this.#tellLost();
    this.onSwapped();
    setLogLevel(config.log.level);
    this.#watchFiles();
    this.#tellExpiry();
    log.info('the configuration was reloaded', { applied: live, needsRestart: restart });
    return { ok: true, applied: live, needsRestart: restart };
  }

  #watchFiles(): void {
    this.#watch?.close();
    if (this.#material === undefined) return;
    const { clock } = this.#parts;
    this.#watch = new FileWatch(filesOf(this.#config.sip.tlsPaths), { clock, onChange: () => this.#renew() });
  }

  /** The files of certificates have changed: those are taken over, and nothing else of the configuration. */
  #renew(): void {
    const { log } = this.#parts;
    if (this.#material === undefined) return;
    const texts: TlsTexts = { ...this.#material, named: this.#material.named ?? [] };
    const read = readAgain(texts, this.#config.sip.tlsPaths, readText);
    for (const why of read.problems) log.warn('changed certificates were not taken over', { why });
    if (read.problems.length > 0 && !read.changed) return;
    try {
      this.#show(read.texts);
    } catch (error) {
      log.warn('changed certificates were not taken over', { why: messageOf(error) });
      return;
    }
    this.#material = read.texts;
    this.#config = withCertificates(this.#config, read.texts);
    this.#inForce = withImported(this.#config, this.#imported);
    this.#tellExpiry();
    log.info('changed certificates were taken over');
  }

  /** Only once what was imported is known can anybody say so. */
  #tellLost(): void {
    const lost = lostTransfers(this.#inForce);
    const told = lost.join('\n');
    if (!this.#started || told === this.#lost) return;
    this.#lost = told;
    if (lost.length > 0)
      this.#parts.log.error('transfers name the trunk of an imported number that cannot be called over', {
        transfers: lost,
        setting: 'transfers.trunk',
      });
  }

  #tellExpiry(): void {
    if (this.#material === undefined) return;
    const { cert, named = [] } = this.#material;
    const others = named.map(one => ({ name: one.names[0] ?? 'unnamed', cert: one.cert }));
    this.#parts.metrics.certificates([{ name: 'default', cert }, ...others]);
  }
}

const bad = (where: string, what: string): ReloadOutcome => ({ ok: false, problems: [{ where, what }] });

function routingOf(
  { trunks, numbers, sip, media, elevenlabs, secrets }: Config,
  defaultCountry: string | undefined,
): Routing {
  const inbound = trunks.filter(trunk => trunk.outboundOnly !== true);
  const configured = inbound.map(({ username, ...trunk }) => {
    const password = secrets.trunkPasswords.get(trunk.name);
    if (username === undefined) return trunk;
    // Going on without would open the trunk to everybody at its addresses.
    if (password === undefined) throw new Error('a trunk that has a username has no password');
    return { ...trunk, credentials: { username, password } };
  });
  return new Routing({
    trunks: trunks.some(({ imported }) => imported !== true)
      ? configured
      : [implicitTrunk(sip.allow, media.encryption), ...configured],
    numbers,
    realm: sip.realm,
    defaultCountry,
    ...(elevenlabs.agentId === undefined ? {} : { agentId: elevenlabs.agentId }),
  });
}

/** What the listeners show; undefined when no certificate is configured. */
function materialOf({ sip, secrets }: Config): TlsMaterial | undefined {
  if (sip.tlsCert === undefined || secrets.sipTlsKey === undefined) return undefined;
  return {
    cert: sip.tlsCert,
    key: secrets.sipTlsKey,
    ...(sip.tlsCa === undefined ? {} : { ca: sip.tlsCa }),
    named: sip.tlsNamed.map(({ names, cert }, i) => ({ names, cert, key: secrets.sipTlsNamedKeys[i] ?? '' })),
  };
}
