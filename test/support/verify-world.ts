import type { PartyFacts } from '../../src/call/party.ts';
import type { Clock } from '../../src/core/clock.ts';
import { KeyedDigits } from '../../src/core/keyed-digits.ts';
import { SimTwilio } from '../../src/sim/twilio/server.ts';
import type { GateState } from '../../src/tools/gates.ts';
import type { Toolbox, ToolContext } from '../../src/tools/tool.ts';
import { createToolbox } from '../../src/tools/toolbox.ts';
import { defaultVerifyPolicy, type VerifyPolicy } from '../../src/tools/verify/policy.ts';
import { createVerifyTools } from '../../src/tools/verify/tools.ts';
import { TwilioClient } from '../../src/twilio/client.ts';
import { createVerify } from '../../src/twilio/verify.ts';
import { FakeControl, toolContext } from './fake-control.ts';
import { FakeStore } from './fake-store.ts';
import { OpenGate } from './open-gate.ts';

/** One call of a `VerifyWorld`. */
export interface VerifyCall {
  readonly control: FakeControl;
  readonly context: ToolContext;
}

/** The two verification tools with the stand-in of Twilio behind them, a policy that can be changed, and a store. */
export class VerifyWorld {
  readonly sim: SimTwilio;
  readonly store: FakeStore;
  gate: GateState = { allowAutonomousSends: false, killSwitch: false };
  policy: VerifyPolicy = defaultVerifyPolicy;
  /** What `twilio_verify_phone` asks besides. */
  readonly sending = new OpenGate();
  readonly #clock: Clock;
  readonly #box: Toolbox;

  private constructor(sim: SimTwilio, clock: Clock) {
    this.sim = sim;
    this.#clock = clock;
    this.store = new FakeStore({ clock });
    const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
    const client = TwilioClient.create({
      ...{ accountSid, apiKeySid, apiKeySecret, baseUrl },
      limits: { backoffMs: 1 },
    });
    if (!client.ok) throw client.failure;
    this.#box = createToolbox(
      createVerifyTools({
        verify: () => createVerify(client.value, sim.verifyServiceSid),
        gates: { read: () => this.gate },
        policy: () => this.policy,
        gate: this.sending,
        counters: this.store.counters,
        clock,
        defaultCountry: 'US',
      }),
    );
  }

  static async start(clock: Clock): Promise<VerifyWorld> {
    return new VerifyWorld(await SimTwilio.start({ clock }), clock);
  }

  call(facts: Partial<PartyFacts> = {}, verifyNumber?: string): VerifyCall {
    const control = new FakeControl();
    const context = toolContext(this.#clock, control, facts);
    return { control, context: verifyNumber === undefined ? context : { ...context, verifyNumber } };
  }

  send(call: VerifyCall, to: string, channel = 'sms'): Promise<Record<string, unknown>> {
    return this.#run('send_SMS_verification', { To: to, Channel: channel }, call);
  }

  check(call: VerifyCall, to: string, code: string): Promise<Record<string, unknown>> {
    return this.#run('check_SMS_verification', { To: to, Code: code }, call);
  }

  /** `twilio_verify_phone`, the third door. */
  phone(call: VerifyCall, parameters: object): Promise<Record<string, unknown>> {
    return this.#run('twilio_verify_phone', parameters, call);
  }

  async #run(name: string, parameters: unknown, { context }: VerifyCall): Promise<Record<string, unknown>> {
    const { result } = await this.#box.run(name, parameters, context, new AbortController().signal);
    return JSON.parse(result) as Record<string, unknown>;
  }
}

/** The caller keys digits in secure mode. */
export function key({ control }: VerifyCall, digits: string): void {
  if (control.taker === undefined) throw new Error('the call is not in secure mode');
  control.taker.keyed(KeyedDigits.of(Buffer.from(digits)));
}
