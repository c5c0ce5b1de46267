import { authenticate, dictionary as digestPieces, seeds as digestSeeds } from './digest.mjs';
import { dictionary as ladderPieces, seeds as ladderSeeds, mask } from './ladder.mjs';
import { dictionary as mediaPieces, seeds as mediaSeeds, receive, sealedSeeds, unprotect } from './media.mjs';
import { frame, parse, dictionary as sipPieces, seeds as sipSeeds } from './message.mjs';
import { negotiate, dictionary as sdpPieces, seeds as sdpSeeds } from './sdp.mjs';
import { dictionary as steps, seeds as stories, tell } from './stack.mjs';

/** What is fuzzed: its name, what it does with an input, inputs to begin with and pieces to put into them. */
export const targets = [
  { name: 'framer', run: frame, seeds: sipSeeds.map(text => `\0\0${text}${text}`), dictionary: sipPieces },
  { name: 'parser', run: parse, seeds: sipSeeds, dictionary: sipPieces },
  { name: 'digest', run: authenticate, seeds: digestSeeds, dictionary: digestPieces },
  {
    name: 'SDP and negotiation',
    run: negotiate,
    // Without keys, with keys where the peer has some, and never without.
    seeds: ['\u0001', '\u0002', '\u0004'].flatMap(keys => sdpSeeds.map(text => keys + text)),
    dictionary: sdpPieces,
  },
  { name: 'RTP, RTCP, telephone-event', run: receive, seeds: mediaSeeds, dictionary: mediaPieces },
  { name: 'SRTP', run: unprotect, seeds: sealedSeeds, dictionary: mediaPieces },
  // A story takes minutes of its own time, with every timer that falls due in them.
  { name: 'transactions and dialogues', run: tell, seeds: stories, dictionary: steps, slowestMs: 500 },
  { name: 'ladder', run: mask, seeds: ladderSeeds, dictionary: ladderPieces },
];
