import type { PartyFacts } from '../../src/call/party.ts';
import type { Clock } from '../../src/core/clock.ts';
import { SimTwilio, type SimTwilioOptions } from '../../src/sim/twilio/server.ts';
import { SentMessages } from '../../src/tools/messaging/sent-messages.ts';
import type { Toolbox, ToolContext } from '../../src/tools/tool.ts';
import { createToolbox } from '../../src/tools/toolbox.ts';
import { createTwilioTools } from '../../src/tools/twilio-tools.ts';
import { TwilioClient } from '../../src/twilio/client.ts';
import type { TwilioConnection, TwilioSenders } from '../../src/twilio/connection.ts';
import { FakeControl, toolContext } from './fake-control.ts';
import { OpenGate } from './open-gate.ts';

/** The tools of the Twilio account with the stand-in behind them and a gate that is open. */
export class TwilioWorld {
  readonly sim: SimTwilio;
  readonly gate = new OpenGate();
  readonly sent: SentMessages;
  readonly control = new FakeControl();
  senders: TwilioSenders;
  /** Set it where an answer never comes. */
  impatient = false;
  /** Where the stand-in tells what became of messages; nowhere unless set. */
  callback: string | undefined;
  readonly connection: TwilioConnection;
  readonly #clock: Clock;
  readonly #box: Toolbox;

  private constructor(sim: SimTwilio, clock: Clock) {
    this.sim = sim;
    this.#clock = clock;
    this.sent = new SentMessages(clock);
    this.senders = { phoneNumber: sim.phoneNumber, whatsAppNumber: sim.phoneNumber };
    const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
    const clientOf = (timeoutMs: number) =>
      TwilioClient.create({
        ...{ accountSid, apiKeySid, apiKeySecret, baseUrl },
        limits: { backoffMs: 1, timeoutMs },
      });
    const [patient, impatient] = [clientOf(6_000), clientOf(40)];
    const senders = () => this.senders;
    this.connection = {
      client: () => (this.impatient ? impatient : patient),
      accountSid,
      authToken: () => sim.authToken,
      get senders() {
        return senders();
      },
      status: { state: 'active' },
    };
    this.#box = createToolbox(
      createTwilioTools({
        twilio: this.connection,
        gate: this.gate,
        sent: this.sent,
        statusCallback: () => this.callback,
        country: 'US',
      }),
    );
  }

  static async start(clock: Clock, options: Omit<SimTwilioOptions, 'clock'> = {}): Promise<TwilioWorld> {
    return new TwilioWorld(await SimTwilio.start({ messagePace: 'manual', ...options }), clock);
  }

  context(facts: Partial<PartyFacts> = {}): ToolContext {
    return toolContext(this.#clock, this.control, facts);
  }

  /** Runs a tool as an agent does; the answer is what its JSON text says. */
  async run(
    name: string,
    parameters: object,
    context: ToolContext = this.context(),
  ): Promise<Record<string, unknown>> {
    const { result } = await this.#box.run(name, parameters, context, new AbortController().signal);
    return JSON.parse(result) as Record<string, unknown>;
  }

  /** The newest request that the stand-in has got. */
  get request() {
    return this.sim.requests.at(-1);
  }

  /** Facts that the last runs noted for log and record, put together. */
  get noted(): object {
    return Object.assign({}, ...this.control.noted);
  }
}
