// Transactions and dialogues: messages, decisions of the call and time in any order.
import { ending } from '../../../dist/src/core/ending.js';
import { silentLogger } from '../../../dist/src/core/logger.js';
import { EmbeddedSignalling } from '../../../dist/src/sip/embedded/stack.js';
import { StillClock } from '../clock.mjs';
import { must } from '../rule.mjs';

const sdp =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';

function request(method, { branch, cseq, tag = '', headers = [], body = '' }) {
  const lines = [
    `${method} sip:+18005550100@192.0.2.1 SIP/2.0`,
    `Via: SIP/2.0/TCP 192.0.2.10:5062;branch=z9hG4bK${branch}`,
    'Max-Forwards: 70',
    'From: <sip:+14155550123@192.0.2.10>;tag=alice',
    `To: <sip:+18005550100@192.0.2.1>${tag}`,
    'Call-ID: call@192.0.2.10',
    `CSeq: ${cseq} ${method}`,
    'Contact: <sip:alice@192.0.2.10:5062;transport=tcp>',
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** A peer on a wire of its own. */
class Peer {
  source = { transport: 'tcp', address: '192.0.2.10', port: 40_000, localAddress: '192.0.2.1' };
  backlog = 0;
  gone = false;
  /** Final statuses by the transaction that they answer. */
  finals = new Map();
  tag = '';
  rseq = '';
  ours;
  #listener;

  listen(listener) {
    this.#listener = listener;
  }

  write(bytes) {
    const text = bytes.toString();
    const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
    if (status === undefined) {
      if (!text.startsWith('ACK')) this.ours = text;
      return;
    }
    this.tag = /^To:.*(;tag=[^;\r]+)/m.exec(text)?.[1] ?? this.tag;
    this.rseq = /^RSeq: (\d+)/m.exec(text)?.[1] ?? this.rseq;
    // Over a reliable transport other transactions end with their answer: the same branch is a new one.
    if (status < '200' || !/^CSeq: \d+ INVITE\r$/m.test(text)) return;
    const transaction = `${/branch=([^;,\r]+)/.exec(text)?.[1]} ${/^CSeq: ([^\r]+)/m.exec(text)?.[1]}`;
    const before = this.finals.get(transaction);
    must(
      before === undefined || before === status,
      `two final answers: ${before} and ${status} to ${transaction}`,
    );
    this.finals.set(transaction, status);
  }

  hold() {
    return undefined;
  }

  end() {
    this.destroy();
  }

  destroy() {
    if (this.gone) return;
    this.gone = true;
    this.#listener?.closed();
  }

  receive(text) {
    if (!this.gone) this.#listener?.data(Buffer.from(text));
  }
}

const methods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'UPDATE',
  'PRACK',
  'INFO',
  'OPTIONS',
  'REFER',
  'NOTIFY',
  'MESSAGE',
];
const extras = [
  'Require: 100rel',
  'Supported: timer',
  'Session-Expires: 90',
  'Session-Expires: 20',
  'Require: nothing',
];
const waits = [1, 100, 500, 4_000, 32_000, 45_000, 200_000];

class World {
  clock = new StillClock();
  calls = [];
  peer = new Peer();
  pending = [];
  invites = [];
  branches = 0;
  faults = 0;
  stack;

  constructor() {
    const log = { ...silentLogger, error: (_message, fields) => this.#fault(fields) };
    this.stack = new EmbeddedSignalling({
      listen: [],
      admit: () => true,
      // Nothing here may reach for the network.
      mayDial: () => false,
      contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
      clock: this.clock,
      log: { ...log, with: () => log },
      onInvite: call => {
        call.onReoffer = () => new Promise(resolve => this.pending.push(resolve));
        call.onInfo = () => true;
        this.calls.push(call);
      },
      onRefused: () => undefined,
    });
    this.stack.attach(this.peer);
  }

  #fault(fields) {
    this.faults++;
    this.why = fields?.error;
  }

  /** A message of the peer: method, CSeq, inside of the dialogue or not, further headers, SDP. */
  say(a, b) {
    const method = methods[a % methods.length];
    const invite = this.invites[(b & 7) % Math.max(1, this.invites.length)];
    if (method === 'INVITE' && (b & 7) === 7 && invite !== undefined) return this.#again(invite);
    if (method === 'ACK' && invite !== undefined) invite.acknowledged = true;
    const follows = (method === 'ACK' || method === 'CANCEL') && invite !== undefined;
    const branch = follows ? invite.branch : ++this.branches;
    const cseq = follows ? invite.cseq : 1 + ((b >> 4) & 3);
    const tag = (b & 8) !== 0 ? this.peer.tag : '';
    const headers = (a & 0x80) !== 0 ? [extras[b % extras.length]] : [];
    if (method === 'PRACK') headers.push(`RAck: ${this.peer.rseq || 1} 1 INVITE`);
    const text = request(method, { branch, cseq, tag, headers, body: (b & 0x80) !== 0 ? sdp : '' });
    if (method === 'INVITE') this.invites.push({ branch, cseq, text, at: this.clock.now() });
    this.peer.receive(text);
  }

  /** The same INVITE once more, as long as it is still the same one: its transaction is over 64*T1 later, or with an ACK. */
  #again({ text, at, acknowledged }) {
    if (!acknowledged && this.clock.now() - at < 32_000) this.peer.receive(text);
  }

  /** An answer of the peer to our last request. */
  reply(a) {
    const { ours } = this.peer;
    if (ours === undefined) return;
    const status = [100, 180, 200, 401, 481, 491, 500, 200][a & 7];
    const rows = ours.split('\r\n').filter(line => /^(Via|From|To|Call-ID|CSeq):/.test(line));
    const body = (a & 8) !== 0 ? sdp : '';
    const type = body === '' ? [] : ['Content-Type: application/sdp', 'Contact: <sip:alice@192.0.2.10:5062>'];
    const lines = [`SIP/2.0 ${status} X`, ...rows, ...type, `Content-Length: ${body.length}`];
    this.peer.receive(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  /** What the call decides. */
  decide(a) {
    const call = this.calls.at(-1);
    if (call === undefined) return;
    const end = ending('agent-ended-call');
    const decisions = [
      () => call.ring(),
      () => call.progress(sdp),
      () => call.progress(),
      () => void call.answer(sdp),
      () => call.reject(486, end),
      () => call.hangup(end),
      () => void call.reoffer(() => sdp),
      () => this.pending.shift()?.({ sdp }),
      () => this.pending.shift()?.({ status: 488, reason: 'No' }),
    ];
    decisions[a % decisions.length]();
  }

  step(op, a, b) {
    if (op < 128) this.say(a, b);
    else if (op < 180) this.decide(a);
    else if (op < 205) this.reply(a);
    else if (op < 245) this.clock.advance(waits[a % waits.length]);
    else if (op < 250) this.stack.drain();
    else if (op < 253) this.peer.destroy();
    else this.#reconnect();
  }

  #reconnect() {
    if (!this.peer.gone) return;
    const { tag, rseq, finals } = this.peer;
    this.peer = Object.assign(new Peer(), { tag, rseq, finals });
    this.stack.attach(this.peer);
  }
}

export const seeds = [
  [0, 0, 0x80, 130, 0, 0, 130, 3, 0, 0, 1, 8, 0, 4, 0x9a, 130, 7, 0, 0, 1, 8 + 2, 0, 2, 0x2b],
  [0, 0x80, 0x80, 130, 1, 0, 0, 5, 0x19, 130, 3, 0, 0, 1, 8, 220, 4, 0, 190, 2, 0, 0, 2, 0x2b],
  [0, 0, 0x81, 0, 3, 1, 0, 1, 1],
  [0, 0, 0x82, 130, 3, 0, 251, 0, 0, 254, 0, 0, 0, 1, 8, 130, 5, 0, 190, 2, 0],
  [0, 0, 0, 130, 3, 0, 0, 1, 0x88, 130, 6, 0, 190, 10, 0, 220, 5, 0],
  [0, 0, 0x83, 220, 4, 0, 130, 4, 0, 220, 4, 0],
];
export const dictionary = [
  [0, 0, 0x80],
  [130, 3, 0],
  [0, 1, 8],
  [220, 4, 0],
  [130, 5, 0],
  [130, 7, 0],
  [0, 0, 0x99],
];

/** Lets promises that are settled be heard. */
async function heard() {
  for (let i = 0; i < 6; i++) await undefined;
}

/** Longest story, steps. */
const longest = 60;

/** Never two final answers, no fault, and in the end nothing is left, whatever the order. */
export async function tell(input) {
  const world = new World();
  for (let at = 0; at + 3 <= Math.min(input.length, 3 * longest); at += 3) {
    world.step(input[at], input[at + 1], input[at + 2]);
    await heard();
  }
  must(world.faults === 0, `a fault was caught: ${world.why}`);
  const calls = world.calls.length;
  const { dialogs, transactions } = world.stack.stats();
  must(dialogs + transactions === 0 || world.clock.pending > 0, 'a state without a timer');
  // Session timers are off unless asked for: a peer that goes away ends what it left behind.
  world.peer.destroy();
  for (let i = 0; i < 8; i++) {
    world.clock.advance(50_000);
    await heard();
  }
  const left = world.stack.stats();
  must(
    left.dialogs + left.transactions + left.connections === 0,
    `something is left: ${JSON.stringify(left)}`,
  );
  must(world.faults === 0, `a fault was caught: ${world.why}`);
  return { calls, finals: world.peer.finals.size, statuses: [...world.peer.finals.values()] };
}
