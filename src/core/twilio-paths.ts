/** Paths of ours that Twilio asks, behind PUBLIC_URL. */
export const twilioPaths = {
  /** A call comes in. */
  voice: '/twilio/voice',
  /** What is asked where that fails. */
  voiceFallback: '/twilio/fallback',
  /** A message comes in. */
  message: '/twilio/sms',
  /** What became of a call. */
  callStatus: '/twilio/status',
  /** What became of a message that was sent with it as its status callback. */
  messageStatus: '/twilio/message-status',
  /** Menus of the configuration, by their names. */
  menu: '/twilio/menu',
} as const;
