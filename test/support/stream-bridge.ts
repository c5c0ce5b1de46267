import { ulawToLinear } from '../../codecs/g711.ts';
import { Tape } from '../../src/sim/caller/sound.ts';
import type { SimTwilio } from '../../src/sim/twilio/server.ts';
import { signatureOf } from '../../src/sim/twilio/signature.ts';
import { SimStreamCall, type SimStreamCallOptions } from '../../src/sim/twilio/stream-call.ts';
import { SimStream } from '../../src/sim/twilio/stream-socket.ts';
import { type Bridge, type BridgeOptions, withBridge } from './flow.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

/** What Twilio is told; a proxy with TLS would stand there. */
export const publicUrl = 'https://bridge.example';
export const caller = '+14155550123';
export const called = '+14155550199';

export interface StreamBridgeOptions extends BridgeOptions {
  /** Whether its worker listens for streams itself, and the proxy has its route there. */
  readonly direct?: boolean;
}

/** A daemon that Twilio reaches under its public URL, through nothing but the loopback. */
export async function withStreamBridge(
  { direct = false, ...options }: StreamBridgeOptions,
  body: (bridge: StreamBridge) => Promise<void>,
): Promise<void> {
  const port = direct ? await freePort() : undefined;
  const env = {
    PUBLIC_HTTP_LISTEN: '127.0.0.1:0',
    PUBLIC_URL: publicUrl,
    ...(port === undefined ? {} : { TWILIO_STREAM_LISTEN: `127.0.0.1:${port}` }),
    ...options.env,
  };
  await withBridge({ twilioToken: true, ...options, env }, bridge => body(new StreamBridge(bridge, port)));
}

export class StreamBridge {
  readonly bridge: Bridge;

  constructor(bridge: Bridge, direct?: number) {
    this.bridge = bridge;
    this.twilio.callbacks.reach(publicUrl, this.base);
    // What the proxy does; what is told last counts first.
    const workers = '/twilio/media/0';
    if (direct !== undefined)
      this.twilio.callbacks.reach(`${publicUrl}${workers}`, `http://127.0.0.1:${direct}${workers}`);
  }

  get twilio(): SimTwilio {
    return this.bridge.world.twilio;
  }

  /** Where the public listener really is. */
  get base(): string {
    const { address, port } = this.bridge.app.publicHttp ?? { address: '', port: 0 };
    return `http://${address}:${port}`;
  }

  call(options: Partial<SimStreamCallOptions> = {}): SimStreamCall {
    const voiceUrl = `${publicUrl}/twilio/voice`;
    return SimStreamCall.dial(this.twilio, { from: caller, to: called, voiceUrl, ...options });
  }

  /** Somebody who knows where the stream of a call came, and its ticket, comes there too. */
  openAgain(call: SimStreamCall, url: string): SimStream {
    const [connect] = call.verbs;
    const parameters = connect?.inner[0]?.inner.map(({ attributes }) => [
      attributes['name'],
      attributes['value'],
    ]);
    return new SimStream({
      url: this.twilio.callbacks.target(url) ?? url,
      signature: signatureOf(this.twilio.authToken, url),
      accountSid: this.twilio.accountSid,
      callSid: call.sid,
      parameters: Object.fromEntries(parameters ?? []) as Record<string, string>,
    });
  }

  /** A call that has its stream. */
  async answered(
    options: Partial<SimStreamCallOptions> = {},
  ): Promise<{ call: SimStreamCall; stream: SimStream }> {
    const call = this.call(options);
    const stream = await call.connected;
    if (stream === undefined) throw new Error(`no stream: ${JSON.stringify(call.verbs)}`);
    return { call, stream };
  }
}

/** What a caller has heard, as a tape. */
export function tapeOf(stream: SimStream): Tape {
  const tape = new Tape(8000);
  for (const frame of stream.heard) tape.append(Int16Array.from(frame, code => ulawToLinear[code] ?? 0));
  return tape;
}

/** Settles when the caller has heard a frequency for `ms` without a gap. */
export async function toneHeardOver(stream: SimStream, hz: number, ms: number): Promise<void> {
  let looked = 0;
  await until(
    () => {
      if (stream.heard.length < looked + 5) return false;
      looked = stream.heard.length;
      return tapeOf(stream).stretch(hz).ms >= ms;
    },
    () => `${ms} ms of ${hz} Hz, ${tapeOf(stream).stretch(hz).ms} ms came`,
    15_000,
  );
}
