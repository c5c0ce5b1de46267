import { SimAgent } from './agent/agent.ts';
import type { SimAgentOptions } from './agent/options.ts';
import { type Certificate, loopbackCertificate } from './certificate.ts';
import { SimTwilio, type SimTwilioOptions } from './twilio/server.ts';

export interface WorldOptions {
  readonly agent?: SimAgentOptions;
  readonly twilio?: SimTwilioOptions;
  /** Agent that calls reach; `agent_otp` unless given. */
  readonly agentId?: string;
  /** What SIP is listened on; one free port each of tcp and tls on loopback unless given. */
  readonly sipListen?: string;
}

/** Everything around the daemon, in this process and over real sockets: ElevenLabs, Twilio, a certificate. */
export class SimWorld {
  readonly agent: SimAgent;
  readonly twilio: SimTwilio;
  readonly certificate: Certificate;
  readonly #options: WorldOptions;

  private constructor(options: WorldOptions, agent: SimAgent, twilio: SimTwilio, certificate: Certificate) {
    this.#options = options;
    this.agent = agent;
    this.twilio = twilio;
    this.certificate = certificate;
  }

  static async start(options: WorldOptions = {}): Promise<SimWorld> {
    const [agent, twilio, certificate] = await Promise.all([
      SimAgent.start(options.agent),
      SimTwilio.start(options.twilio),
      loopbackCertificate(),
    ]);
    return new SimWorld(options, agent, twilio, certificate);
  }

  /** The environment that points a daemon at this world. */
  environment(): Record<string, string> {
    return {
      ELEVENLABS_API_KEY: this.agent.apiKey,
      ELEVENLABS_AGENT_ID: this.#options.agentId ?? 'agent_otp',
      ELEVENLABS_BASE_URL: this.agent.baseUrl,
      SIP_LISTEN: this.#options.sipListen ?? 'tcp://127.0.0.1:0,tls://127.0.0.1:0',
      SIP_TLS_CERT: this.certificate.cert,
      SIP_TLS_KEY: this.certificate.key,
      HTTP_LISTEN: '127.0.0.1:0',
      DATA_DIR: ':memory:',
      TWILIO_ACCOUNT_SID: this.twilio.accountSid,
      TWILIO_API_KEY_SID: this.twilio.apiKeySid,
      TWILIO_API_KEY_SECRET: this.twilio.apiKeySecret,
      TWILIO_VERIFY_SERVICE_SID: this.twilio.verifyServiceSid,
      TWILIO_BASE_URL: this.twilio.baseUrl,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.agent.close(), this.twilio.close()]);
  }
}
