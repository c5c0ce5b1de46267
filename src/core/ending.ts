/** Whose doing an ending was. `success` is a call that ended as calls do. */
export type EndingResult = 'success' | 'caller' | 'agent' | 'us' | 'carrier' | 'unknown';

/**
 * Every reason for which anything here ends: the same word in log, metric and record, with one plain sentence.
 * The list is closed; a new way to end gets its line here first.
 */
export const endings = {
  'caller-hung-up': ['success', 'The caller hung up.'],
  'callee-hung-up': ['success', 'The person who was called hung up.'],
  'agent-ended-call': ['success', 'The agent ended the call after its last sentence.'],
  'agent-max-duration': ['success', 'The conversation reached the longest time the agent allows.'],
  'max-call-time': [
    'success',
    'The call reached the longest time that this bridge allows (call.max_seconds).',
  ],

  transferred: ['success', 'The caller was transferred.'],
  replaced: ['success', 'Another telephone has taken over the call (Replaces); the call itself goes on.'],
  'transfer-party-hung-up': ['success', 'The person whom the caller was connected with hung up.'],

  'transfer-refused': ['carrier', 'The peer takes no transfers (REFER).'],
  'transfer-failed': ['carrier', 'The peer could not transfer the caller.'],
  'transfer-timeout': ['carrier', 'The peer did not say in time how the transfer went.'],

  'caller-cancelled': ['caller', 'The caller gave up before the call was answered.'],
  'bad-request': ['caller', 'The request could not be understood as SIP.'],
  'bad-offer': ['caller', 'The SDP offer is malformed.'],
  'no-codec-in-common': ['caller', 'The offer has no codec that this bridge speaks.'],
  'unsupported-transport': ['caller', 'The offer wants a media transport that this bridge does not speak.'],
  'encryption-required': ['caller', 'The trunk takes encrypted sound alone (media_encryption).'],
  'unsupported-extension': ['caller', 'The request requires a SIP extension that this bridge does not have.'],
  'session-interval-too-small': [
    'caller',
    'The session interval that was asked for is too small (RFC 4028).',
  ],
  'unsupported-media-type': ['caller', 'The body of the request is not SDP.'],
  'merged-request': ['caller', 'The same request arrived over two paths.'],
  'loop-detected': ['caller', 'The request has visited this bridge too often.'],
  'source-not-allowed': ['caller', 'The source address is not in SIP_ALLOW or any trunk.'],
  'account-not-allowed': ['caller', 'The call is not of the Twilio account that its trunk is for.'],
  'caller-not-allowed': ['caller', 'The number of the caller is not among the allowed numbers of its trunk.'],
  'credentials-missing': ['caller', 'The trunk needs a password, and none was given yet.'],
  'credentials-stale': ['caller', 'The answer to the challenge is too old or was used before.'],
  'credentials-wrong': ['caller', 'The user or the password is wrong, or was tried too often.'],
  'replaces-nothing': [
    'caller',
    'The INVITE wants to take over a call that is not up on its trunk (Replaces).',
  ],
  'replaces-refused': ['caller', 'The INVITE may not take over the call that it names (Replaces).'],
  'number-not-found': ['caller', 'No agent is configured for the number that was called.'],
  'too-many-requests': ['caller', 'The source sends more requests than the limits allow.'],

  'ack-timeout': ['carrier', 'The answer was never acknowledged.'],
  'prack-timeout': ['carrier', 'A provisional response that had to be acknowledged was not.'],
  'session-expired': ['carrier', 'The session was not refreshed in time by either side (RFC 4028).'],
  'connection-lost': ['carrier', 'The SIP connection was lost and did not come back.'],
  'stream-timeout': [
    'carrier',
    'Twilio did not open its media stream in time (PUBLIC_URL, and the proxy in front of it).',
  ],
  'stream-lost': ['carrier', 'The media stream of Twilio broke off.'],
  'stream-stalled': ['carrier', 'Twilio took none of our sound for too long.'],
  'media-timeout': ['unknown', 'No sound arrived from the telephone for too long.'],
  'ring-timeout': ['carrier', 'The call rang for too long without being answered.'],

  'callee-busy': ['carrier', 'The number that was called is busy.'],
  'callee-no-answer': ['carrier', 'Nobody answered at the number that was called.'],
  'callee-declined': ['carrier', 'The person who was called declined the call.'],
  'callee-not-found': ['carrier', 'The trunk knows no such number.'],
  'trunk-redirected': ['carrier', 'The trunk wanted the call to go elsewhere (3xx), which is not followed.'],
  'trunk-unauthorized': ['carrier', 'The trunk did not accept the credentials (outbound_trunk_config).'],
  'trunk-refused': ['carrier', 'The trunk refused the call.'],
  'answer-unusable': [
    'carrier',
    'What the peer answered to the offer of this bridge cannot be used (enabled_codecs, media_encryption).',
  ],
  'trunk-unreachable': ['carrier', 'The trunk could not be reached.'],
  'number-not-allowed': [
    'us',
    'The number may not be called: it is no E.164 number, or its prefix is denied.',
  ],

  'outbound-limit': [
    'us',
    'The trunk has been used for as many calls or minutes as it may be (outbound_trunk_config.limits).',
  ],
  'switched-off': [
    'us',
    'The operator has stopped whatever costs money, and calls of ours with it (tools.kill_switch, or the switch of that name).',
  ],
  'over-capacity': ['us', 'All calls that this bridge may carry are taken.'],
  overloaded: ['us', 'This bridge is busier than it may be without harm to the calls that are up.'],
  'no-ports': ['us', 'No free port pair is left in RTP_PORTS.'],
  'no-descriptors': [
    'us',
    'This bridge may not open any more files or connections (LimitNOFILE, ulimit -n).',
  ],
  draining: ['us', 'This bridge is shutting down and takes no new calls.'],
  shutdown: ['us', 'This bridge was shut down before the call was over.'],
  interrupted: [
    'us',
    'This bridge stopped while the call was up, without ending it: it was killed, or its machine was.',
  ],
  'worker-lost': ['us', 'The worker thread that carried the call died.'],
  'internal-error': ['us', 'A fault inside this bridge ended the call.'],

  'initiation-failed': [
    'us',
    'The initiation webhook gave no usable answer, and the call is then rejected (webhooks.initiation.on_failure).',
  ],
  'recording-complete': ['success', 'The call was recorded to its end.'],
  'recording-stopped': ['success', 'The recording ended as the caller was connected with a person.'],
  'recording-disk-full': ['us', 'The recording ended: the disk is full (recording.folder).'],
  'recording-disk-low': [
    'us',
    'The disk has less free space than recordings must leave (recording.min_free_mb).',
  ],
  'recording-failed': ['us', 'The recording could not be written (recording.folder).'],
  'recording-interrupted': ['us', 'The daemon died during the recording: it has what was on the disk.'],
  'recording-key-missing': [
    'us',
    'The daemon died during the recording, whose key is not in DATA_KEY any more.',
  ],

  'agent-unreachable': ['agent', 'The agent could not be reached.'],
  'agent-start-failed': ['agent', 'The agent ended the conversation as it began.'],
  'agent-start-timeout': ['agent', 'The agent did not begin the conversation in time.'],
  'agent-not-found': ['agent', 'The agent does not exist at ELEVENLABS_BASE_URL.'],
  'agent-unauthorized': ['agent', 'ElevenLabs refused the credentials (ELEVENLABS_API_KEY).'],
  'agent-quota': ['agent', 'ElevenLabs refused the conversation: the quota is used up.'],
  'agent-busy': ['agent', 'All conversations that the agent may hold are taken.'],
  'agent-daily-limit': ['agent', 'The agent has had all the calls that it may take in a day.'],
  'agent-misconfigured': ['agent', 'ElevenLabs calls the agent misconfigured.'],
  'agent-queue-timeout': ['agent', 'The caller waited too long in the queue of the agent.'],
  'agent-lost': ['agent', 'The connection to the agent broke.'],
  'agent-closed-unexpectedly': [
    'agent',
    'The agent closed the connection with a code that has no meaning here.',
  ],
  'agent-operational-failure': [
    'agent',
    'The agent closed the connection because of an operational failure (1002).',
  ],
  'agent-contract-violation': ['agent', 'The agent refused what this bridge sent (1008).'],
  'agent-crashed': ['agent', 'The agent crashed (1011).'],
  'agent-request-error': ['agent', 'The agent or its branch refused the conversation (3000).'],
  'agent-garbage': ['agent', 'The agent sent what is not the protocol.'],
  'agent-message-too-large': ['agent', 'The agent sent a message above the size limit.'],
  'agent-format-unsupported': ['agent', 'The agent named an audio format that is not one of the seven.'],

  'agent-invalid-message': ['agent', 'The agent reported an invalid message (invalid_message).'],
  'agent-telephony-error': ['agent', 'The agent cannot do telephony (telephony_agent_error).'],
  'agent-mcp-tool-error': ['agent', 'An MCP tool of the agent failed (mcp_tool_error).'],
  'agent-mcp-https-error': ['agent', 'An MCP server of the agent was not reached (mcp_https_error).'],
  'agent-value-error': ['agent', 'The agent refused a value (value_error).'],
  'agent-missing-fields': ['agent', 'The agent misses fields in what was sent (missing_fields).'],
  'agent-override-refused': ['agent', 'The agent does not allow an override that was sent (override_error).'],
  'agent-missing-variable': [
    'agent',
    'The agent needs a dynamic variable that was not sent (missing_dynamic_variable).',
  ],
  'agent-missing-transfer-variable': [
    'agent',
    'The agent needs a dynamic variable for its transfer (missing_dynamic_variable_transfer).',
  ],
  'agent-safety-violation': [
    'agent',
    'The safety rules of ElevenLabs ended the conversation (safety_violation).',
  ],
  'agent-llm-timeout': ['agent', 'The language model of the agent did not answer in time (llm_timeout).'],
  'agent-receive-timeout': ['agent', 'The agent received no sound for 60 s (transport_receive_timeout).'],
  'agent-internal-timeout': ['agent', 'The agent timed out inside (asyncio_timeout).'],
  'agent-http-exception': ['agent', 'A request of the agent failed (http_exception).'],
  'agent-llm-error': ['agent', 'The language model of the agent failed (llm_error).'],
  'agent-custom-llm-error': ['agent', 'The custom language model of the agent failed (custom_llm_error).'],
  'agent-brain-error': ['agent', 'Every language model of the agent failed (cascade_brain_error).'],
  'agent-asr-error': ['agent', 'The speech recognition of the agent failed (asr_transcription_error).'],
  'agent-vad-error': ['agent', 'The voice activity detection of the agent failed (vad_error).'],
  'agent-turn-error': ['agent', 'The turn detection of the agent failed (turn_probability_error).'],
  'agent-tts-error': ['agent', 'The voice of the agent failed (tts_cascade_error).'],
  'agent-redis-timeout': ['agent', 'ElevenLabs timed out inside (redis_timeout_error).'],
  'agent-websocket-crash': ['agent', 'The WebSocket of the agent crashed (unknown_websocket_crash).'],
  'agent-websocket-disconnect': ['agent', 'The WebSocket of the agent disconnected (websocket_disconnect).'],
  'agent-unknown-error': ['agent', 'The agent reported an error that it did not name (unknown).'],
} as const satisfies Record<string, readonly [EndingResult, string]>;

export type EndingReason = keyof typeof endings;

/** How something ended. `detail` narrows the reason down for people; it holds no number, code or transcript. */
export interface Ending {
  readonly result: EndingResult;
  readonly reason: EndingReason;
  readonly detail?: string;
}

export function ending(reason: EndingReason, detail?: string): Ending {
  const result = endings[reason][0];
  return detail === undefined ? { result, reason } : { result, reason, detail };
}

/** The ending as one plain sentence for a person. */
export function sentence(end: Ending): string {
  const text = endings[end.reason][1];
  return end.detail === undefined ? text : `${text.slice(0, -1)}: ${end.detail.replace(/\.$/, '')}.`;
}
