import { frameBytes } from './limits.ts';

export const wavHeaderBytes = 44;

/** Header of a stereo file of 16-bit samples: RIFF, one `fmt ` and the beginning of `data`. */
export function wavHeader(rate: number, soundBytes: number): Buffer {
  const header = Buffer.alloc(wavHeaderBytes);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(wavHeaderBytes - 8 + soundBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * frameBytes, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(soundBytes, 40);
  return header;
}

/** The rate that a header of ours tells; undefined when it is not one. */
export function wavRate(header: Buffer): number | undefined {
  const ours =
    header.length >= wavHeaderBytes &&
    header.toString('latin1', 0, 4) === 'RIFF' &&
    header.toString('latin1', 8, 16) === 'WAVEfmt ' &&
    header.toString('latin1', 36, 40) === 'data';
  return ours ? header.readUInt32LE(24) : undefined;
}
