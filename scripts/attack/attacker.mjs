// The process that attacks: told what to attack and for how long, it tells what it counted.
import { injection } from './media.mjs';
import {
  abandonedHandshakes,
  bombs,
  digestGuessing,
  hijack,
  inviteFlood,
  scanner,
  slowSenders,
} from './sip.mjs';

const attacks = {
  'INVITE flood': inviteFlood,
  'digest guessing': digestGuessing,
  'slow senders': slowSenders,
  'header and SDP bombs': bombs,
  'BYE and CANCEL into calls': hijack,
  'handshakes abandoned': abandonedHandshakes,
  scanner: scanner,
  'RTP injection': injection,
};

process.once('message', async ({ target, seconds, names }) => {
  const until = performance.now() + seconds * 1_000;
  const over = () => performance.now() >= until;
  const counts = await Promise.all(names.map(async name => [name, await attacks[name](target, over)]));
  process.send({ counts: Object.fromEntries(counts) }, () => process.exit(0));
});
// Nobody is left to attack for.
process.once('disconnect', () => process.exit(0));
