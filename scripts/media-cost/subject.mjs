// What bridge and floor have in common: they are told of rounds by datagrams, and count what a round took.
import dgram from 'node:dgram';
import v8 from 'node:v8';

const loopback = '127.0.0.1';

/** Runs a subject: `open(start)` opens its calls and says where they are, `step()` does what 20 ms ask for. */
export async function runSubject({ open, step }) {
  const control = dgram.createSocket({ type: 'udp4', lookup: (address, _, done) => done(null, address, 4) });
  await new Promise(resolve => control.bind(0, loopback, resolve));
  const done = Buffer.alloc(1);
  const meter = new Meter();
  let peerPort = 0;
  // Sockets that became readable before this one are read in the same turn of the loop.
  const finish = () => {
    step();
    meter.round();
    control.send(done, peerPort, loopback);
  };
  control.on('message', () => setImmediate(finish));
  process.on('disconnect', () => process.exit());
  process.on('message', async message => {
    if (message.type === 'start') {
      peerPort = message.controlPort;
      process.send({ type: 'opened', calls: await open(message), controlPort: control.address().port });
    } else if (message.type === 'mark') {
      meter.start();
      process.send({ type: 'marked' });
    } else if (message.type === 'report') process.send({ type: 'report', ...meter.report() });
  });
  process.send({ type: 'ready' });
}

/** Bytes of heap and CPU time. A round in which the collector ran says nothing of bytes and is left out. */
class Meter {
  #rounds = 0;
  #counted = 0;
  #bytes = 0;
  #before = 0;
  #cpu = process.cpuUsage();
  #measuring = false;

  start() {
    this.#rounds = 0;
    this.#counted = 0;
    this.#bytes = 0;
    this.#cpu = process.cpuUsage();
    this.#measuring = true;
    this.#before = v8.getHeapStatistics().used_heap_size;
  }

  round() {
    if (!this.#measuring) return;
    this.#rounds++;
    const bytes = v8.getHeapStatistics().used_heap_size - this.#before;
    if (bytes > 0) {
      this.#counted++;
      this.#bytes += bytes;
    }
    this.#before = v8.getHeapStatistics().used_heap_size;
  }

  report() {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#measuring = false;
    return { rounds: this.#rounds, bytesPerRound: this.#bytes / this.#counted, user, system };
  }
}
