#include "conversation.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "caller-message.h"
#include "connection.h"
#include "json.h"
#include "stage.h"

/* Digits of a number that Node can tell from its neighbours. */
enum { CALL_DIGITS = 15, METADATA = 256 };

/* Sends a message, and counts it. */
static void tell(struct connection *connection, const char *text, int length) {
  connection_frame(connection, TEXT, text, (size_t)length);
  stage.sent++;
}

/* Only the number of the event is made: what goes before it is the same in every message of every conversation. */
static void say(struct connection *connection) {
  char number[32];
  int digits = snprintf(number, sizeof number, "%" PRIu64 "}}", connection->conversation.event_id);
  uint8_t head[LONGEST_FRAME_HEAD];
  size_t length = frame_head(head, TEXT, stage.speech_length + (size_t)digits);
  const struct iovec parts[] = {{head, length}, {stage.speech, stage.speech_length}, {number, (size_t)digits}};
  connection_send(connection, parts, 3);
  stage.sent++;
}

static void interrupt(struct connection *connection) {
  char text[128];
  int length = snprintf(text, sizeof text, "{\"type\":\"interruption\",\"interruption_event\":{\"event_id\":%" PRIu64 "}}",
                        connection->conversation.event_id);
  marks_add(&stage.cut, connection->conversation.call, monotonic_ms());
  tell(connection, text, length);
}

void conversation_step(struct connection *connection) {
  if (stage.script_length == 0) return;
  struct conversation *conversation = &connection->conversation;
  const struct step *step = &stage.script[conversation->steps % stage.script_length];
  if (step->begins) {
    conversation->event_id++;
    marks_add(conversation->steps == 0 ? &stage.greeting : &stage.turn, conversation->call, monotonic_ms());
  }
  conversation->steps++;
  for (unsigned i = 0; i < step->pieces && connection->phase == CONVERSING; i++) say(connection);
  if (step->cuts) interrupt(connection);
}

/* The last digits of the variable call_id, as number of the call; zero when there are none. */
static uint64_t call_number(const char *text, const char *end) {
  const char *variables = json_member(text, end, "dynamic_variables");
  const char *id = variables == NULL ? NULL : json_member(variables, end, "call_id");
  const char *behind = id == NULL ? NULL : json_string_end(id, end);
  if (behind == NULL) return 0;
  const char *digits = behind - 1;
  while (behind - digits <= CALL_DIGITS && isdigit((unsigned char)digits[-1])) digits--;
  uint64_t number = 0;
  for (; digits < behind - 1; digits++) number = number * 10 + (uint64_t)(*digits - '0');
  return number;
}

static void begin(struct connection *connection, struct frame *frame) {
  struct conversation *conversation = &connection->conversation;
  frame_unmask(frame);
  const char *text = (const char *)frame->payload;
  conversation->begun = true;
  conversation->call = call_number(text, text + frame->length);
  marks_add(&stage.ready, conversation->call, monotonic_ms());
  char metadata[METADATA];
  int length = snprintf(metadata, sizeof metadata,
                        "{\"type\":\"conversation_initiation_metadata\",\"conversation_initiation_metadata_event\":{"
                        "\"conversation_id\":\"conv_load_%" PRIu64 "\",\"agent_output_audio_format\":\"%s\","
                        "\"user_input_audio_format\":\"%s\"}}",
                        stage.conversations++, stage.output_format, stage.input_format);
  tell(connection, metadata, length);
  conversation_step(connection);
  if (connection->phase != CONVERSING) return;
  wire_put_off(&connection->wire);
  struct connection **slot = stage_resting_slot();
  conversation->next = *slot;
  conversation->link = slot;
  if (*slot != NULL) (*slot)->conversation.link = &conversation->next;
  *slot = connection;
}

void conversation_end(struct connection *connection) {
  struct conversation *conversation = &connection->conversation;
  if (conversation->link == NULL) return;
  *conversation->link = conversation->next;
  if (conversation->next != NULL) conversation->next->conversation.link = conversation->link;
  conversation->link = NULL;
}

static void hear(struct conversation *conversation, const struct frame *frame) {
  stage.received++;
  conversation->sound_bytes += sound_bytes(frame);
  bool loud = ends_loud(frame, stage.companded, stage.loud_peak);
  if (loud && !conversation->loud) marks_add(&stage.heard, conversation->call, wire_arrival());
  conversation->loud = loud;
}

void conversation_take(struct connection *connection, struct frame *frame) {
  struct conversation *conversation = &connection->conversation;
  if (frame->opcode == TEXT && conversation->begun && carries_sound(frame)) {
    hear(conversation, frame);
    return;
  }
  stage.others++;
  if (frame->opcode == TEXT && !conversation->begun) {
    begin(connection, frame);
  } else if (frame->opcode == PING) {
    frame_unmask(frame);
    connection_frame(connection, PONG, frame->payload, frame->length);
    stage.sent++;
  } else if (frame->opcode == CLOSE) {
    frame_unmask(frame);
    connection_frame(connection, CLOSE, frame->payload, frame->length);
    connection_end(connection);
  }
}
