/** What is done when the initiation webhook gives no usable answer. */
export const failurePolicies = ['continue', 'reject'] as const;
export type FailurePolicy = (typeof failurePolicies)[number];

/** What a number may say of the initiation webhook for itself: not asked at all, or the policy. */
export type InitiationPolicy = 'off' | FailurePolicy;

/** What the operator is told of calls that are over; the names are those of `type` in the body. */
export const webhookEvents = ['call_ended', 'call_initiation_failure', 'post_call_transcription'] as const;
export type WebhookEventName = (typeof webhookEvents)[number];

/** The webhook that is asked before a conversation, without its headers. */
export interface InitiationSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly onFailure: FailurePolicy;
}

/** The webhook that is told of calls, without its headers. */
export interface PostCallSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly events: readonly WebhookEventName[];
}

/** Header fields of requests to the operator; all of them are secret. */
export type RequestHeaders = Readonly<Record<string, string>>;
