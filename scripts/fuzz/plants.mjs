// One bug for each target, put behind conditions that no seed meets: a fuzzer that does not find it finds nothing.
// Each condition is a branch of its own, so that an input which meets one more of them is seen to reach something new.

/** What the seeds never do, told from what the target gave back; throws once an input does all of it. */
export const plants = {
  frame(frames) {
    for (const frame of frames) {
      if (!frame.startsWith('4')) continue;
      if (frame.includes('Content-Length')) {
        if (frames.length > 1) throw new Error('planted: a bad Content-Length behind a good message');
      }
    }
  },
  parse(results) {
    for (const { ok, value } of results) {
      if (!ok || value.kind !== 'request') continue;
      if (value.body.length > 0) continue;
      if (value.headers.has('Contact')) {
        if (!value.headers.has('Record-Route'))
          throw new Error('planted: a Contact, no Record-Route and no body');
      }
    }
  },
  authenticate({ parameters, claim }) {
    if (parameters === undefined) return;
    if (!('proof' in claim)) {
      if (claim.count > 2) {
        if (claim.middle.includes('"'))
          throw new Error('planted: a quote in what is hashed, later than the second use');
      }
    }
  },
  negotiate(result) {
    if (result?.ok !== true) return;
    const { plan } = result.value;
    if (plan.srtp === undefined) return;
    if (plan.direction === 'recvonly') {
      if (plan.codec === 'G722') throw new Error('planted: G.722 on hold with keys');
    }
  },
  receive({ digits }) {
    if (digits.length < 1) return;
    if (digits[0] !== '5') {
      if (digits.length > 1) throw new Error('planted: two keys, and the first is not the one of the seeds');
    }
  },
  unprotect({ number, input }) {
    if (number !== 4) return;
    if (input.length > 190) {
      if (input[1] === 0x90) {
        if (input[2] > 127) throw new Error('planted: a long packet with extension and marker for GCM');
      }
    }
  },
  mask(masked) {
    if (!masked.startsWith('SIP/2.0')) return;
    if (masked.includes('inline:[private]')) {
      if (/^tel:/m.test(masked))
        throw new Error('planted: a response with a key and a line that begins with tel:');
    }
  },
  tell({ calls, statuses }) {
    if (calls < 1) return;
    if (statuses.includes('487')) {
      if (statuses.includes('420')) throw new Error('planted: 487 and 420 in one story');
    }
  },
};
