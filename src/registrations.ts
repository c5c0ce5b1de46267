import type { Config } from './config/config.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import { hostOf, outboundTrunk } from './outgoing.ts';
import type { NextHop, Registering, Registration } from './sip/signalling.ts';
import { answerChallenge } from './trunks/digest-client.ts';
import type { OutboundTrunk } from './trunks/outbound.ts';

export interface RegistrationsParts {
  readonly signalling: Partial<Registering>;
  /** The hops of a trunk as its name resolves now. */
  readonly hops: (trunk: OutboundTrunk) => Promise<readonly NextHop[]>;
  readonly events: EventSink;
  readonly log: Logger;
}

/** A registration, and what it is made with. */
interface Held {
  readonly of: string;
  /** Absent while the one before it is taken back, and where the backend knows none. */
  registration?: Registration | undefined;
}

/** Our registrations with the trunks that want one: those of the configuration and of imported numbers as they are now. */
export class Registrations {
  readonly #parts: RegistrationsParts;
  readonly #held = new Map<string, Held>();
  /** Registrations that are being taken back, by their trunk. */
  readonly #endings = new Map<string, Promise<void>>();

  constructor(parts: RegistrationsParts) {
    this.#parts = parts;
  }

  /** Registers with what is new, takes back what is gone, and leaves alone what is as it was. */
  follow(config: Config): void {
    const wanted = new Map<string, OutboundTrunk>();
    for (const { name } of config.trunks) {
      const trunk = outboundTrunk(config, name);
      if (trunk?.register !== undefined && trunk.credentials !== undefined) wanted.set(name, trunk);
    }
    for (const name of this.#held.keys()) if (!wanted.has(name)) this.#release(name);
    for (const trunk of wanted.values()) this.#hold(trunk);
  }

  #hold(trunk: OutboundTrunk): void {
    const { name } = trunk;
    const held: Held = { of: JSON.stringify(trunk) };
    if (this.#held.get(name)?.of === held.of) return;
    this.#release(name);
    this.#held.set(name, held);
    const register = () => {
      if (this.#held.get(name) === held) held.registration = this.#register(trunk);
    };
    // Both have one contact: the end of the old one must not undo the new one.
    const ending = this.#endings.get(name);
    if (ending === undefined) register();
    else void ending.then(register);
  }

  /** Takes back what is registered with a trunk. */
  #release(name: string): void {
    const registration = this.#held.get(name)?.registration;
    this.#held.delete(name);
    if (registration === undefined) return;
    const ending = registration.stop().then(() => {
      this.#endings.delete(name);
    });
    this.#endings.set(name, ending);
  }

  #register(trunk: OutboundTrunk): Registration | undefined {
    const { signalling, hops, events, log } = this.#parts;
    const { name, credentials, register } = trunk;
    if (credentials === undefined || register === undefined) return undefined;
    if (signalling.register === undefined) {
      log.warn('the SIP backend cannot register with trunks', { trunk: name });
      return undefined;
    }
    return signalling.register(() => hops(trunk), {
      from: credentials.username,
      host: hostOf(trunk),
      headers: [],
      seconds: register.seconds,
      authorize: challenge => answerChallenge(challenge, credentials),
      onChange: (registered, status, why) => {
        // What was taken back by ourselves has not failed.
        if (!registered && why === undefined) return;
        const told = why === undefined ? {} : { why };
        events.emit({ type: 'trunk-registered', trunk: name, registered, status, ...told });
      },
    });
  }
}
