import { SimAgent } from '../sim/agent/agent.ts';
import type { SimScript } from '../sim/agent/options.ts';
import { runSimCommand, simCommands } from '../sim/twilio/commands.ts';
import { SimTwilio } from '../sim/twilio/server.ts';
import { type Command, exitCodes } from './command.ts';

const defaultAgentPort = '8091';
const defaultTwilioPort = '8092';

export const command: Command = {
  usage: '[--agent-port PORT] [--twilio-port PORT] [--format FORMAT]',
  options: {
    'agent-port': { type: 'string', default: defaultAgentPort },
    'twilio-port': { type: 'string', default: defaultTwilioPort },
    format: { type: 'string', default: 'pcm_16000' },
  },
  help: () => `Runs the stand-ins for ElevenLabs and Twilio on loopback until it is stopped, and prints the environment that
points a bridge at them. Agents: agent_echo, agent_tone, agent_otp, agent_quiet. Codes that Twilio would text are printed.

The stand-in Twilio has the account's messages, calls, recordings, numbers, usage, Lookup, Verify and Content. While it
runs it is told what happens by POST /sim/COMMAND with JSON on its port, and GET /sim/requests, /sim/texts and
/sim/callbacks say what it saw; docs/stand-ins.md has every field. Commands:
${simCommands.map(({ name, says }) => `  ${name.padEnd(10)} ${says}`).join('\n')}

Options:
      --agent-port PORT   port of the stand-in ElevenLabs (default: ${defaultAgentPort})
      --twilio-port PORT  port of the stand-in Twilio (default: ${defaultTwilioPort})
      --format FORMAT     audio format of the agents in both directions (default: pcm_16000)
  -h, --help              this text

Examples:
  trunkbridge sim --format ulaw_8000
  eval "$(trunkbridge sim | head -n 11)"
  curl -d '{"code": 20429, "retryAfter": "2", "times": 3, "path": "/Messages"}' http://127.0.0.1:${defaultTwilioPort}/sim/fail
  curl -d '{"from": "+14155550123", "to": "+14155550100", "body": "Hi"}' http://127.0.0.1:${defaultTwilioPort}/sim/text`,
  async run(args, io) {
    const format = String(args['format']) as NonNullable<SimScript['inputFormat']>;
    const formats = { inputFormat: format, outputFormat: format };
    const agent = await SimAgent.start({
      port: Number(args['agent-port']),
      agents: {
        agent_echo: { mode: 'echo', ...formats },
        agent_tone: { mode: 'tone', hz: 1000, seconds: 3600, ...formats },
        agent_otp: { mode: 'otp', ...formats },
        agent_quiet: { mode: 'quiet', ...formats },
      },
    });
    const twilio = await SimTwilio.start({
      port: Number(args['twilio-port']),
      commands: runSimCommand,
      onText: text => io.err(`"texted" ${text.code}`),
    });
    const environment = {
      ELEVENLABS_API_KEY: agent.apiKey,
      ELEVENLABS_AGENT_ID: 'agent_echo',
      ELEVENLABS_BASE_URL: agent.baseUrl,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_API_KEY_SID: twilio.apiKeySid,
      TWILIO_API_KEY_SECRET: twilio.apiKeySecret,
      TWILIO_VERIFY_SERVICE_SID: twilio.verifyServiceSid,
      TWILIO_PHONE_NUMBER: twilio.phoneNumber,
      TWILIO_WHATSAPP_NUMBER: twilio.phoneNumber,
      TWILIO_MESSAGING_SERVICE_SID: twilio.messagingServiceSid,
      TWILIO_BASE_URL: twilio.baseUrl,
    };
    for (const [name, value] of Object.entries(environment)) io.out(`export ${name}=${value}`);
    await new Promise<void>(resolve => {
      const stop = io.onSignal(() => {
        stop();
        resolve();
      });
    });
    await Promise.all([agent.close(), twilio.close()]);
    return exitCodes.ok;
  },
};
