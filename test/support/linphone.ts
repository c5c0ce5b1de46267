import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort } from './ports.ts';
import { readWav, writeWav } from './wav.ts';

const host = '127.0.0.1';

export interface LinphoneOptions {
  /** An empty folder for its configuration, its database and what it hears. */
  readonly folder: string;
  /** The port that it calls over TCP. */
  readonly sipPort: number;
  /** What it says, 8,000 samples a second. */
  readonly sound: Int16Array;
  readonly credentials: { readonly username: string; readonly password: string };
  /** The digest algorithm that it knows its password for. */
  readonly algorithm: 'MD5' | 'SHA-256';
}

/** The softphone Linphone with one account, PCMU over TCP, driven over its standard input. */
export class Linphone {
  readonly child: Child;
  readonly #options: LinphoneOptions;

  private constructor(options: LinphoneOptions, child: Child) {
    this.#options = options;
    this.child = child;
  }

  static async start(options: LinphoneOptions): Promise<Linphone> {
    const { folder, sound } = options;
    // It stops at once where it cannot make its database.
    mkdirSync(join(folder, '.local/share/linphone'), { recursive: true });
    writeFileSync(join(folder, 'say.wav'), writeWav(sound, 8_000));
    writeFileSync(join(folder, 'linphonerc'), configuration(options, await freePort(), await freePort()));
    const child = new Child('linphonec', ['-c', join(folder, 'linphonerc')], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      input: true,
    });
    const phone = new Linphone(options, child);
    try {
      await child.until(output => (output.includes('linphonec>') ? true : undefined));
      phone.command('soundcard use files');
      phone.command(`play ${join(folder, 'say.wav')}`);
      phone.command(`record ${join(folder, 'hear.wav')}`);
      return phone;
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  command(text: string): void {
    this.child.write(`${text}\n`);
  }

  dial(number: string): void {
    this.command(`call sip:${number}@${host}:${this.#options.sipPort};transport=tcp`);
  }

  /** Settles once it has written this. */
  async says(text: string): Promise<void> {
    await this.child.until(output => (output.includes(text) ? true : undefined));
  }

  /** What it heard in its one call, once that is over. */
  heard(): { readonly rate: number; readonly samples: Int16Array } {
    return readWav(readFileSync(join(this.#options.folder, 'hear.wav')));
  }

  async stop(): Promise<void> {
    this.command('quit');
    await this.child.stop();
  }
}

function configuration(options: LinphoneOptions, udp: number, tcp: number): string {
  const { sipPort, algorithm } = options;
  const { username, password } = options.credentials;
  // Without a port for UDP it has no address to name, whatever it calls over.
  return `[sip]
sip_port=${udp}
sip_tcp_port=${tcp}
sip_tls_port=0
default_proxy=0

[proxy_0]
reg_proxy=<sip:${host}:${sipPort};transport=tcp>
reg_identity=sip:${username}@${host}
reg_sendregister=0
publish=0

[auth_info_0]
username=${username}
passwd=${password}
realm=trunkbridge
domain=${host}
algorithm=${algorithm}

[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
`;
}
