// The least that Node can do for media streams: for each a WebSocket of Twilio's and one of the agent. Each message that comes in
// sends one of the length that the agent would get. For each piece of 100 ms that the agent says one of the length that Twilio would
// get leaves, one each 100 ms; an interruption drops the others. Nothing is decoded, and nothing but its length is looked at.
import { WebSocket, WebSocketServer } from 'ws';

const [, , agentUrl] = process.argv;
const text = { binary: false };
const toAgent = Buffer.from(`{"user_audio_chunk":"${Buffer.alloc(160).toString('base64')}"}`);
const toTwilio = Buffer.from(
  `{"event":"media","streamSid":"${'M'.repeat(34)}","media":{"payload":"${Buffer.alloc(800, 0xff).toString('base64')}"}}`,
);
/** Messages of the agent that are longer carry sound. */
const sound = 500;
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
  agent.on('message', data => {
    if (data.length > sound) stream.waiting++;
    else if (data.includes('"interruption"')) stream.waiting = 0;
  });
  agent.on('error', () => stream.terminate());
  stream.on('message', () => {
    if (agent.readyState === WebSocket.OPEN) agent.send(toAgent, text);
  });
  stream.on('error', () => agent.terminate());
  stream.on('close', () => agent.terminate());
  streams.push(stream);
});
// Five slots of 20 ms, so that wake-ups are shared as the bridge shares them.
let slot = 0;
setInterval(() => {
  for (let i = slot; i < streams.length; i += 5) {
    const stream = streams[i];
    if (stream.waiting === 0 || stream.readyState !== WebSocket.OPEN) continue;
    stream.waiting--;
    stream.send(toTwilio, text);
  }
  slot = (slot + 1) % 5;
}, 20);
server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })));
