import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { Child } from './child.ts';

/** A UDP datagram as the loopback interface saw it. */
export interface Captured {
  readonly from: number;
  readonly to: number;
  readonly payload: Buffer;
}

/** Whether this user may capture on the loopback interface. Says so on standard error when not. */
export function mayCapture(name: string): boolean {
  let interfaces = '';
  try {
    interfaces = execFileSync('tshark', ['-D'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // tshark is absent or refuses to list: the answer is the same.
  }
  if (/\blo\b/.test(interfaces)) return true;
  if (process.env['CI'] === 'true') throw new Error(`${name} needs the right to capture on lo`);
  process.stderr.write(`SKIPPED ${name}: no right to capture on lo\n`);
  return false;
}

/** Everything that goes over UDP to or from a range of ports, written down by tshark until `stop`. */
export class Capture {
  readonly #child: Child;
  readonly #probePort: number;

  private constructor(child: Child, probePort: number) {
    this.#child = child;
    this.#probePort = probePort;
  }

  /** Settles when it is seen to capture. The last port of the range has to be nobody's. */
  static async start(firstPort: number, lastPort: number): Promise<Capture> {
    const fields = ['udp.srcport', 'udp.dstport', 'udp.payload'].flatMap(field => ['-e', field]);
    const filter = `udp portrange ${firstPort}-${lastPort}`;
    // `-a` ends it by itself should the test be gone.
    const args = ['-i', 'lo', '-n', '-l', '-a', 'duration:120', '-f', filter, '-T', 'fields', ...fields];
    const capture = new Capture(new Child('tshark', args), lastPort);
    await capture.#untilSeen(Buffer.from('the capture begins'));
    return capture;
  }

  /** Ends it once everything that was sent before is written down. */
  async stop(): Promise<void> {
    await this.#untilSeen(Buffer.from('the capture ends'));
    await this.#child.stop();
  }

  packets(): Captured[] {
    const packets: Captured[] = [];
    for (const line of this.#child.output.split('\n')) {
      const [from, to, payload] = line.split('\t');
      if (payload === undefined || !/^[0-9a-f]+$/.test(payload)) continue;
      if (Number(to) === this.#probePort) continue;
      packets.push({ from: Number(from), to: Number(to), payload: Buffer.from(payload, 'hex') });
    }
    return packets;
  }

  /** Sends a datagram again and again until tshark shows it. */
  async #untilSeen(probe: Buffer): Promise<void> {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => undefined); // nobody listens on that port, and ICMP may say so
    const sending = setInterval(() => socket.send(probe, this.#probePort, '127.0.0.1'), 20);
    try {
      const text = probe.toString('hex');
      await this.#child.until(output => (output.includes(text) ? true : undefined));
    } finally {
      clearInterval(sending);
      socket.close();
    }
  }
}
