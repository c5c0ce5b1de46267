import type { AudioFormat } from '../core/audio.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { Joining } from '../worker/legs.ts';
import { Line } from './outbound/line.ts';
import type { FarEnd, MediaSession } from './session.ts';

/** Two legs of one worker that hear each other, each in its own codec. */
export class Joint {
  readonly #first: MediaSession;
  readonly #second: MediaSession;
  #how: Joining = 'off';
  /** What the lines were made for. */
  #fits = '';

  constructor(first: MediaSession, second: MediaSession) {
    this.#first = first;
    this.#second = second;
  }

  /** `early`: the first hears the second beside its agent; `full`: both hear each other and nobody else. */
  join(how: Joining): void {
    if (how === 'off') return this.#undo();
    this.#how = how;
    this.#tie();
  }

  #undo(): void {
    if (this.#how === 'off') return;
    this.#how = 'off';
    for (const leg of [this.#first, this.#second]) {
      leg.link(undefined);
      leg.listen(undefined, false);
    }
  }

  /** Makes the lines; they follow the codecs and packet times of both plans. */
  #tie(): void {
    const first = this.#first;
    const second = this.#second;
    this.#fits = this.#key();
    const back = this.#line(second, first);
    second.link(this.#farEnd(back, this.#how === 'full' ? first : undefined));
    first.listen(back, this.#how === 'full');
    if (this.#how !== 'full') return;
    const forth = this.#line(first, second);
    first.link(this.#farEnd(forth, second));
    second.listen(forth, true);
  }

  /** Before the answer a leg may be silent for long: nothing is made of what it does not say. */
  #line(from: MediaSession, to: MediaSession): Line {
    return new Line(lineFormat(from.plan, to.plan), to.plan?.packetTime ?? 20, () => from.heard);
  }

  /** Keys go on as keys: tones would be lost in a codec or in noise. */
  #farEnd(sink: Line, keysTo: MediaSession | undefined): FarEnd {
    return {
      sink,
      digit: key => void keysTo?.pressKeys(key, 'events'),
      planned: () => {
        if (this.#how !== 'off' && this.#fits !== this.#key()) this.#tie();
      },
      gone: () => this.#undo(),
    };
  }

  #key(): string {
    const of = ({ plan }: MediaSession) => `${plan?.codec} ${plan?.packetTime}`;
    return `${of(this.#first)} ${of(this.#second)}`;
  }
}

/** The format that costs the least and loses nothing between two codecs. */
function lineFormat(from: MediaPlan | undefined, to: MediaPlan | undefined): AudioFormat {
  if (from?.codec === 'G722') return 'pcm_16000';
  return from?.codec === 'PCMU' && to?.codec === 'PCMU' ? 'ulaw_8000' : 'pcm_8000';
}
