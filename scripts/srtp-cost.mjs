// What SRTP costs: processor time for one packet sent and one received, by suite, as a share of a core per call.
// Usage: npm run build && node scripts/srtp-cost.mjs [packets]
import { Protection } from '../dist/src/media/protection.js';
import { writeHeader } from '../dist/src/media/rtp/packet.js';
import { freshKey, srtpSuiteNames } from '../dist/src/sdp/srtp-key.js';

const packets = Number(process.argv[2] ?? 200_000);
const packetMs = 20;
const plainBytes = 172;

for (const suite of srtpSuiteNames) {
  const [ours, theirs] = [freshKey(suite), freshKey(suite)];
  const near = new Protection();
  const far = new Protection();
  near.apply({ send: ours, receive: theirs });
  far.apply({ send: theirs, receive: ours });
  const packet = Buffer.alloc(plainBytes + near.sender.rtpExtraBytes);
  let index = 0;
  const exchange = count => {
    for (let i = 0; i < count; i++, index++) {
      writeHeader(packet, 0, false, index & 0xffff, (index * 160) >>> 0, 1);
      near.sender.sealRtp(packet, plainBytes);
      if (far.open(packet, false) === undefined) throw new Error(`${suite}: a good packet was dropped`);
    }
  };
  exchange(packets / 10);
  const before = process.cpuUsage();
  exchange(packets);
  const { user, system } = process.cpuUsage(before);
  const micros = (user + system) / packets;
  const share = (micros / (packetMs * 1000)) * 100;
  console.log(
    `${suite.padEnd(24)} ${micros.toFixed(1)} us a packet both ways = ${share.toFixed(3)} % of a core a call`,
  );
}
