/** Samples as a 16-bit mono WAV file. */
export function writeWav(samples: Int16Array, rate: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}

/** Samples of a 16-bit mono WAV file, and how many there are a second. */
export function readWav(file: Buffer): { readonly rate: number; readonly samples: Int16Array } {
  let rate = 0;
  for (let at = 12; at + 8 <= file.length; ) {
    const id = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      const [channels, bits] = [file.readUInt16LE(at + 10), file.readUInt16LE(at + 22)];
      if (channels !== 1 || bits !== 16) throw new Error(`${channels} channels of ${bits} bits`);
      rate = file.readUInt32LE(at + 12);
    }
    if (id === 'data') {
      const body = file.subarray(at + 8, at + 8 + length);
      return {
        rate,
        samples: Int16Array.from({ length: body.length >> 1 }, (_, i) => body.readInt16LE(2 * i)),
      };
    }
    at += 8 + length + (length % 2);
  }
  throw new Error('the WAV file has no data');
}
