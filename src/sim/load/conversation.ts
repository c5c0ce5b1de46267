import type { Duplex } from 'node:stream';
import { carriesSound, endsLoud, soundBytes } from './caller-message.ts';
import { type Frame, FrameReader, frameOf, opcodes, payloadOf } from './frames.ts';
import type { Marks } from './marks.ts';
import { monotonic } from './monotonic.ts';
import type { Profile } from './profile.ts';
import { stepOf } from './talk.ts';

/** Bytes that wait for a client to read, at the most; MOST_UNSENT in agent/limits.h. */
const mostUnsent = 1024 * 1024;
/** Of RFC 6455 section 7.4.1: the message is too big. */
const tooBig = 1009;

/** What conversations share. */
export interface Stage {
  readonly profile: Profile;
  readonly silent: boolean;
  nextId(): string;
  readonly marks: Readonly<Record<'ready' | 'greeting' | 'turn' | 'cut' | 'heard', Marks>>;
  messagesReceived: number;
  messagesSent: number;
  others: number;
  piece(eventId: number): Buffer;
}

/** One conversation of the agent for load. */
export class LoadConversation {
  /** Sound of the caller since the mark, bytes. */
  soundBytes = 0;
  /** Whether it was there at the mark already. */
  sinceMark = false;
  readonly #stage: Stage;
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  readonly #begun: () => void;
  readonly #companded: boolean;
  #call = -1;
  #steps = 0;
  #eventId = 0;
  #loud = false;

  /** The frame of a text message. */
  static frame(text: string): Buffer {
    return frameOf(opcodes.text, Buffer.from(text));
  }

  /** `begun` is called once, when steps are to come every 100 ms. */
  constructor(stage: Stage, socket: Duplex, begun: () => void) {
    this.#stage = stage;
    this.#socket = socket;
    this.#begun = begun;
    this.#companded = stage.profile.inputFormat === 'ulaw_8000';
    const take = (frame: Frame) => this.#take(frame);
    socket.on('data', (chunk: Buffer) => {
      if (!this.#reader.push(chunk, take)) this.#refuse(tooBig);
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
  }

  mark(): void {
    this.soundBytes = 0;
    this.sinceMark = true;
  }

  /** Does what the next 100 ms ask for. */
  step(): void {
    if (this.#stage.silent) return;
    const { pieces, begins, cuts } = stepOf(this.#steps);
    const { marks } = this.#stage;
    if (begins) {
      this.#eventId++;
      (this.#steps === 0 ? marks.greeting : marks.turn).add(this.#call, monotonic());
    }
    this.#steps++;
    if (pieces > 0) {
      const piece = this.#stage.piece(this.#eventId);
      for (let i = 0; i < pieces; i++) this.#send(piece);
    }
    if (!cuts) return;
    marks.cut.add(this.#call, monotonic());
    const event = `{"type":"interruption","interruption_event":{"event_id":${this.#eventId}}}`;
    this.#send(LoadConversation.frame(event));
  }

  drop(): void {
    this.#socket.destroy();
  }

  #send(frame: Buffer): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(frame);
    this.#stage.messagesSent++;
    if (this.#socket.writableLength > mostUnsent) this.#socket.destroy();
  }

  #refuse(code: number): void {
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(code);
    this.#socket.end(frameOf(opcodes.close, reason));
  }

  #take(frame: Frame): void {
    if (frame.opcode === opcodes.text && this.#call !== -1 && carriesSound(frame)) return this.#hear(frame);
    this.#stage.others++;
    if (frame.opcode === opcodes.text && this.#call === -1) this.#begin(payloadOf(frame));
    else if (frame.opcode === opcodes.ping) this.#send(frameOf(opcodes.pong, payloadOf(frame)));
    else if (frame.opcode === opcodes.close) this.#socket.end(frameOf(opcodes.close, payloadOf(frame)));
  }

  #hear(frame: Frame): void {
    this.#stage.messagesReceived++;
    this.soundBytes += soundBytes(frame);
    const loud = endsLoud(frame, this.#companded);
    if (loud && !this.#loud) this.#stage.marks.heard.add(this.#call, monotonic());
    this.#loud = loud;
  }

  #begin(message: Buffer): void {
    const { dynamic_variables: variables } = JSON.parse(message.toString()) as {
      dynamic_variables?: { call_id?: string };
    };
    this.#call = Number(/\d+$/.exec(variables?.call_id ?? '')?.[0] ?? 0);
    const { inputFormat, outputFormat } = this.#stage.profile;
    this.#stage.marks.ready.add(this.#call, monotonic());
    this.#send(
      LoadConversation.frame(
        JSON.stringify({
          type: 'conversation_initiation_metadata',
          conversation_initiation_metadata_event: {
            conversation_id: this.#stage.nextId(),
            agent_output_audio_format: outputFormat,
            user_input_audio_format: inputFormat,
          },
        }),
      ),
    );
    this.step();
    this.#begun();
  }
}
