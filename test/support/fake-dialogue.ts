import type { Ending } from '../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../src/core/errors.ts';
import type {
  Dialogue,
  InviteFacts,
  ReferRequest,
  RejectOptions,
  ReofferAnswer,
} from '../../src/sip/signalling.ts';

export const someInvite: InviteFacts = {
  sipCallId: 'a84b4c76e66710@pbx.example',
  source: {
    transport: 'tcp',
    address: '192.0.2.10',
    port: 40_000,
    localAddress: '192.0.2.1',
  },
  from: { displayName: '', user: '+14155550123', host: 'pbx.example' },
  to: { displayName: '', user: '+14155550199', host: 'bridge.example' },
  requestUser: '+14155550199',
  headers: [],
};

/** An offer of PCMU and telephone-event, or of what is given. */
export function someOffer(formats = '0 101', direction = 'sendrecv', port = 4000): string {
  const lines = [
    'v=0',
    'o=pbx 1 1 IN IP4 192.0.2.10',
    's=-',
    'c=IN IP4 192.0.2.10',
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** A dialogue that does what the test says and writes down what was asked of it. */
export class FakeDialogue implements Dialogue {
  readonly facts: InviteFacts;
  readonly asked: string[] = [];
  readonly rejections: { status: number; end: Ending; options: RejectOptions | undefined }[] = [];
  readonly answers: string[] = [];
  readonly ended: Promise<Ending>;
  onReoffer: Dialogue['onReoffer'] = async () => ({ status: 488, reason: 'unset' });
  onRefreshed: Dialogue['onRefreshed'] = () => undefined;
  onInfo: Dialogue['onInfo'] = () => false;
  onReplace?: NonNullable<Dialogue['onReplace']>;
  outlives?: NonNullable<Dialogue['outlives']>;
  readonly reoffers: string[] = [];
  /** The last re-offer of ours goes out once more: it met one of the peer's. */
  resendReoffer: () => void = () => undefined;
  #settleReoffer: (result: Result<{ readonly sdp: string }>) => void = () => undefined;
  #settleEnded: (end: Ending) => void = () => undefined;
  #settleAnswer: (result: Result<{ readonly ackSdp?: string }>) => void = () => undefined;

  constructor(facts: InviteFacts = someInvite) {
    this.facts = facts;
    this.ended = new Promise(resolve => {
      this.#settleEnded = resolve;
    });
  }

  ring(): void {
    this.asked.push('ring');
  }

  progress(): void {
    this.asked.push('progress');
  }

  answer(sdp: string): Promise<Result<{ readonly ackSdp?: string }>> {
    this.asked.push('answer');
    this.answers.push(sdp);
    return new Promise(resolve => {
      this.#settleAnswer = resolve;
    });
  }

  reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    this.resendReoffer = () => void this.reoffers.push(offer());
    this.resendReoffer();
    return new Promise(resolve => {
      this.#settleReoffer = resolve;
    });
  }

  /** The peer re-offers, and our answer reaches it. */
  async offerAgain(offer: string | undefined): Promise<ReofferAnswer> {
    const answer = await this.onReoffer(offer);
    if ('sdp' in answer) answer.sent?.();
    return answer;
  }

  /** The peer answers what was offered last. */
  answerReoffer(sdp: string): void {
    this.#settleReoffer(ok({ sdp }));
  }

  refuseReoffer(code: string): void {
    this.#settleReoffer(fail(new Failure(code, 'the test says so')));
  }

  readonly refers: ReferRequest[] = [];
  #settleRefer: (result: Result<void, Ending>) => void = () => undefined;

  refer(request: ReferRequest): Promise<Result<void, Ending>> {
    this.refers.push(request);
    return new Promise(resolve => {
      this.#settleRefer = resolve;
    });
  }

  /** What has become of the last REFER. */
  referred(result: Result<void, Ending>): void {
    this.#settleRefer(result);
  }

  reject(status: number, end: Ending, options?: RejectOptions): void {
    this.asked.push(`reject ${status}`);
    this.rejections.push({ status, end, options });
  }

  hangup(end: Ending): void {
    this.asked.push(`hangup ${end.reason}`);
  }

  acknowledge(ackSdp?: string): void {
    this.#settleAnswer(ok(ackSdp === undefined ? {} : { ackSdp }));
  }

  failAnswer(code: string): void {
    this.#settleAnswer(fail(new Failure(code, 'the test says so')));
  }

  end(end: Ending): void {
    this.#settleEnded(end);
  }
}
