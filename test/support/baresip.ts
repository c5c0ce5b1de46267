import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import { join } from 'node:path';
import { Child } from './child.ts';
import { connectWhenOpen, freePort } from './ports.ts';
import { readWav, writeWav } from './wav.ts';

/** Of its control socket, whatever it calls over. */
const controlHost = '127.0.0.1';
const modules = '/usr/lib/baresip/modules';

export interface BaresipOptions {
  /** An empty folder for its configuration and recordings. */
  readonly folder: string;
  /** Loopback address that it has and calls; `127.0.0.1` unless given. */
  readonly host?: '127.0.0.1' | '::1';
  /** Whether it does what a REFER asks of it. */
  readonly takesTransfers?: boolean;
  /** The port that it calls over TLS, and the certificate that it trusts. */
  readonly sipPort: number;
  readonly ca: string;
  /** What it says, 16,000 samples a second; repeated by nobody, so long enough. */
  readonly sound: Int16Array;
  /** What it does about SRTP: offers it, or insists on it; plain RTP unless given. */
  readonly mediaEncryption?: 'srtp' | 'srtp-mand' | 'srtp-mandf';
  /** What it signs in with when it is challenged. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** `G722/16000/1` unless given. */
  readonly codec?: string;
}

type Event = Readonly<Record<string, unknown>>;

/** The softphone baresip with one account, G.722 over TLS, driven over its control socket. */
export class Baresip {
  readonly child: Child;
  readonly events: Event[] = [];
  readonly #options: BaresipOptions;
  readonly #control: net.Socket;
  readonly #watchers = new Set<() => void>();

  private constructor(options: BaresipOptions, child: Child, control: net.Socket) {
    this.#options = options;
    this.child = child;
    this.#control = control;
    let held = Buffer.alloc(0);
    control.on('error', () => control.destroy());
    control.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let next = netstring(held); next !== undefined; next = netstring(held)) {
        held = held.subarray(next.length);
        this.events.push(JSON.parse(next.text) as Event);
      }
      for (const look of this.#watchers) look();
    });
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const { folder } = options;
    const controlPort = await freePort();
    writeFileSync(join(folder, 'ca.pem'), options.ca);
    writeFileSync(join(folder, 'say.wav'), writeWav(options.sound, 16_000));
    writeFileSync(join(folder, 'config'), configuration(options, controlPort));
    writeFileSync(join(folder, 'contacts'), '');
    const account = `<sip:+14155550111@${placeOf(options)};transport=tls>`;
    const { codec = 'G722/16000/1', mediaEncryption, credentials } = options;
    const signIn =
      credentials === undefined ? '' : `;auth_user=${credentials.username};auth_pass=${credentials.password}`;
    const transfer = options.takesTransfers === true ? ';call_transfer=yes' : '';
    const encryption = mediaEncryption === undefined ? '' : `;mediaenc=${mediaEncryption}`;
    writeFileSync(
      join(folder, 'accounts'),
      `${account};regint=0;audio_codecs=${codec}${encryption}${signIn}${transfer}\n`,
    );
    // `-t` ends it by itself should the test be gone.
    const child = new Child('baresip', ['-f', folder, '-v', '-t', '60'], { cwd: folder });
    try {
      await child.until(output => (output.includes('baresip is ready') ? true : undefined));
      return new Baresip(options, child, await connectWhenOpen(controlPort));
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  dial(number: string): void {
    this.command('dial', `sip:${number}@${placeOf(this.#options)};transport=tls`);
  }

  /** Settles with the first event of a type. */
  event(type: string, timeoutMs = 20_000): Promise<Event> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events.find(event => event['type'] === type);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`no ${type}; baresip said:\n${this.child.output.slice(-3000)}`));
      }, timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** What it said (`enc`) or heard (`dec`) in its one call; complete once the call is closed. */
  recording(which: 'enc' | 'dec'): { readonly rate: number; readonly samples: Int16Array } {
    const name = readdirSync(this.#options.folder).find(each => each.endsWith(`-${which}.wav`));
    if (name === undefined) throw new Error(`baresip recorded nothing:\n${this.child.output.slice(-3000)}`);
    return readWav(readFileSync(join(this.#options.folder, name)));
  }

  async stop(): Promise<void> {
    this.command('quit');
    this.#control.end();
    await this.child.stop();
  }
}

function configuration(options: BaresipOptions, controlPort: number): string {
  const { folder, host = '127.0.0.1' } = options;
  return `net_interface ${host}
sip_listen ${bracketed(host)}:0
sip_cafile ${folder}/ca.pem
call_max_calls 2
poll_method epoll
audio_path ${folder}
audio_source aufile,${folder}/say.wav
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 16000
auplay_srate 16000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
snd_path ${folder}
module_path ${modules}
module g711.so
module g722.so
module srtp.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen ${controlHost}:${controlPort}
`;
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);
const placeOf = ({ host = '127.0.0.1', sipPort }: BaresipOptions) => `${bracketed(host)}:${sipPort}`;

/** The first netstring of a stream and how many bytes it takes, once it is complete. */
function netstring(held: Buffer): { readonly text: string; readonly length: number } | undefined {
  const colon = held.indexOf(':');
  if (colon < 0) return undefined;
  const size = Number(held.toString('latin1', 0, colon));
  const length = colon + 1 + size + 1;
  if (held.length < length) return undefined;
  return { text: held.toString('utf8', colon + 1, colon + 1 + size), length };
}
