import type { SimConversation } from './conversation.ts';
import { Conversion } from './sound.ts';

/** From now on what the caller says comes back, at once and as it came when the formats are the same. */
export function echo(conversation: SimConversation): void {
  const { inputFormat, outputFormat } = conversation;
  if (inputFormat === outputFormat) {
    conversation.onAudio = base64 => conversation.sendAudio(base64);
    return;
  }
  const conversion = new Conversion(inputFormat, outputFormat);
  conversation.onAudio = base64 => {
    const sound = conversion.convert(Buffer.from(base64, 'base64'));
    if (sound.length > 0) conversation.sendAudio(sound.toString('base64'));
  };
}
