// What comes over UDP: RTP, RTCP, telephone-event, SRTP.

import { Inbound } from '../../../dist/src/media/inbound/receiver.js';
import { parseRtp, RtpView } from '../../../dist/src/media/rtp/packet.js';
import { parseRtcp, RtcpView } from '../../../dist/src/media/rtp/rtcp.js';
import { readTelephoneEvent, TelephoneEventView } from '../../../dist/src/media/rtp/telephone-event.js';
import { SrtpReceiver } from '../../../dist/src/media/srtp/receiver.js';
import { SrtpSender } from '../../../dist/src/media/srtp/sender.js';
import { freshKey, srtpSuiteNames } from '../../../dist/src/sdp/srtp-key.js';
import { must } from '../rule.mjs';

function rtp(payloadType, sequence, payload, first = 0x80) {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = first;
  packet[1] = payloadType;
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(0x1234, 8);
  Buffer.from(payload).copy(packet, 12);
  return packet;
}
const speech = Buffer.alloc(160, 0x55);
const senderReport = Buffer.from(
  '80c80006000012340000000100000002000000030000000400000005 81ca0002000012340100000000'.replaceAll(' ', ''),
  'hex',
);
const event = Buffer.from([5, 0x8a, 0x03, 0x20]);

/** Each input is a list of packets: a byte of flags and time, a length of two bytes, the packet. */
function listed(...packets) {
  return Buffer.concat(
    packets.flatMap(([flags, packet]) => [
      Buffer.from([flags, packet.length >> 8, packet.length & 255]),
      packet,
    ]),
  );
}

export const seeds = [
  listed(
    [20, rtp(0, 1, speech)],
    [20, rtp(0, 2, speech)],
    [20, rtp(0x80 | 101, 3, event)],
    [21, rtp(101, 4, event)],
  ),
  listed(
    [20, rtp(0, 65_535, speech)],
    [148, senderReport],
    [20, rtp(0, 0, speech)],
    [0, rtp(13, 1, Buffer.from([40]))],
  ),
  listed(
    [20, rtp(9, 1, speech, 0x90)],
    [20, rtp(0, 2, Buffer.concat([speech, Buffer.from([0, 0, 4])]), 0xa0)],
  ),
];
export const dictionary = [
  [0x80, 0],
  [0, 0, 0, 0],
  [0x42, 0x42, 0x42, 0x42],
  [0x7f],
  [0xff, 0xff],
  [0x80, 0xc8],
  [0x81, 0xc9],
];

const plan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA', 9: 'G722' },
  receiveEventPayloadType: 101,
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
};

function* packetsOf(input) {
  for (let at = 0; at + 3 <= input.length; ) {
    const length = input.readUInt16BE(at + 1);
    yield { flags: input[at], packet: Buffer.from(input.subarray(at + 3, at + 3 + length)) };
    at += 3 + length;
  }
}

const view = new RtpView();
const control = new RtcpView();
const key = new TelephoneEventView();

/** Whatever comes, the sound goes on: each 20 ms have their 20 ms, and no key is pressed that nobody pressed. */
export function receive(input) {
  let taken = 0;
  let ticks = 0;
  let now = 10;
  const digits = [];
  const inbound = new Inbound({ onDigit: digit => digits.push(digit) });
  inbound.configure(plan);
  inbound.setSink({
    format: 'pcm_16000',
    write(_, from, to) {
      taken += to - from;
    },
    toString: () => 'sink',
  });
  for (const { flags, packet } of packetsOf(input)) {
    now += flags & 0x3f;
    if (parseRtp(packet, view)) {
      must(
        view.payloadStart >= 12 && view.payloadStart + view.payloadLength <= packet.length,
        'a payload outside',
      );
      readTelephoneEvent(packet, view.payloadStart, view.payloadLength, key);
    }
    parseRtcp(packet, control, 1);
    if ((flags & 0x80) !== 0) inbound.rtcp(packet, '192.0.2.1', 4001, now);
    else inbound.rtp(packet, '192.0.2.1', 4000, now);
    for (; ticks * 20 < now; ticks++) inbound.tick(ticks * 20);
  }
  must(taken === ticks * 640, 'a tick without its 20 ms of sound');
  must(
    digits.every(digit => /^[0-9*#A-D]$/.test(digit)),
    'a key that no telephone has',
  );
  inbound.report(now);
  return { digits, now, payloadType: view.payloadType, sequence: view.sequence, timestamp: view.timestamp };
}

const keys = srtpSuiteNames.map(name => freshKey(name));
const genuine = new Map();
function sealed(number) {
  const known = genuine.get(number);
  if (known !== undefined) return known;
  const sender = new SrtpSender(keys[number]);
  const packet = Buffer.alloc(172 + sender.rtpExtraBytes);
  rtp(0, 7, speech).copy(packet);
  sender.sealRtp(packet, 172);
  genuine.set(number, packet);
  return packet;
}

export const sealedSeeds = keys.map((_, number) => Buffer.concat([Buffer.from([number]), sealed(number)]));

/** Only what the peer sealed is opened, and that once. The first byte chooses the suite, the rest is the packet. */
export function unprotect(input) {
  const number = (input[0] ?? 0) % keys.length;
  const receiver = new SrtpReceiver(keys[number]);
  const packet = Buffer.from(input.subarray(1));
  const before = Buffer.from(packet);
  const isGenuine = packet.equals(sealed(number));
  const length = receiver.openRtp(packet);
  must(length > 0 === isGenuine, isGenuine ? 'the peer was not believed' : 'a forged packet was opened');
  if (!isGenuine) must(packet.equals(before), 'a packet that was dropped was changed');
  const again = isGenuine ? receiver.openRtp(before) : receiver.openRtcp(packet);
  must(again === 0, 'a packet was opened that should not have been');
  must(receiver.unauthentic + receiver.replayed === (isGenuine ? 1 : 2), 'a drop was not counted once');
  return { number, input };
}
