// The least that Node can do for media streams: for each a WebSocket of Twilio's and one of the agent, and on both the messages
// that the bridge moves. Each message of sound that comes in sends one of the length that the agent would get. What the agent
// says is kept 200 to 300 ms ahead, with a mark each half second and at its end; an interruption drops what waits, and clears.
// Nothing is decoded, and nothing but its length is looked at.
import { WebSocket, WebSocketServer } from 'ws';

const [, , agentUrl] = process.argv;
const text = { binary: false };
const toAgent = Buffer.from(`{"user_audio_chunk":"${Buffer.alloc(160).toString('base64')}"}`);
const sid = 'M'.repeat(34);
const stepMs = 20;
const [lowMs, highMs] = [200, 300];
const toTwilio = Array.from({ length: highMs / stepMs + 1 }, (_, steps) => {
  const payload = Buffer.alloc(160 * steps, 0xff).toString('base64');
  return Buffer.from(`{"event":"media","streamSid":"${sid}","media":{"payload":"${payload}"}}`);
});
const mark = Buffer.from(`{"event":"mark","streamSid":"${sid}","mark":{"name":"123"}}`);
const clear = Buffer.from(`{"event":"clear","streamSid":"${sid}"}`);
/** Steps of 20 ms in a message of the agent, and between two marks. */
const [stepsSaid, stepsMarked] = [5, 25];
/** Messages of the agent that are longer carry sound, and so do those of Twilio. */
const [sound, heard] = [500, 150];
const streams = [];
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', stream => {
  const agent = new WebSocket(agentUrl, { perMessageDeflate: false });
  agent.on('open', () =>
    agent.send(
      JSON.stringify({
        type: 'conversation_initiation_client_data',
        dynamic_variables: { call_id: `load-${streams.length}` },
      }),
    ),
  );
  stream.waiting = 0;
  stream.endsAt = 0;
  stream.unmarked = 0;
  agent.on('message', data => {
    if (data.length > sound) stream.waiting += stepsSaid;
    else if (data.includes('"interruption"')) interrupt(stream);
  });
  agent.on('error', () => stream.terminate());
  stream.on('message', data => {
    if (data.length > heard && agent.readyState === WebSocket.OPEN) agent.send(toAgent, text);
  });
  stream.on('error', () => agent.terminate());
  stream.on('close', () => agent.terminate());
  streams.push(stream);
});

function interrupt(stream) {
  stream.waiting = 0;
  if (stream.endsAt > performance.now()) stream.send(clear, text);
  stream.endsAt = 0;
}

function speak(stream, now) {
  const ahead = Math.max(0, stream.endsAt - now);
  if (ahead >= lowMs) return;
  const steps = Math.min(stream.waiting, Math.ceil((highMs - ahead) / stepMs));
  if (steps > 0) {
    stream.waiting -= steps;
    stream.unmarked += steps;
    stream.endsAt = now + ahead + steps * stepMs;
    stream.send(toTwilio[steps], text);
  }
  if (stream.unmarked === 0 || (stream.unmarked < stepsMarked && steps > 0)) return;
  stream.unmarked = 0;
  stream.send(mark, text);
}

setInterval(() => {
  const now = performance.now();
  for (const stream of streams) if (stream.readyState === WebSocket.OPEN) speak(stream, now);
}, stepMs);
server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })));
