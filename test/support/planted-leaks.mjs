// Hooks that spoil modules of the built daemon as they are loaded: each is a leak as somebody could have programmed it. Where
// a module has changed so that its leak cannot be planted, the daemon does not start.

/** By the module: what stands there, and what stands there instead. */
const leaks = {
  'tools/verify/check.js': [
    // A line of the log for support, another for a programmer, and a message that says too much.
    [
      /(const result = await checked\(.*\);)/,
      "$1 context.log.warn('a code was checked', { checked: input.Code }); process.stderr.write('checked ' + input.Code);",
    ],
    [
      /(noteVerified\(input\.To.*context\);\s+)return result;/,
      '$1return { ...result, message: result.message + input.Code };',
    ],
    [/'The caller has proved to hold the number /, "'The caller has proved to hold ' + to + ', '+ '"],
  ],
  'tools/verify/keyed.js': [
    [
      /tell\(control, sentence\(result\)\);/,
      "tell(control, sentence(result) + code); control.tell(code, 'turn');",
    ],
  ],
  'core/mask.js': [
    // Arguments of tools as they are, and names of tools.
    [/return '\[hidden\]';/, 'return value;'],
    [/return plain \? name : 'other';/, 'return name;'],
  ],
  'observability/labels.js': [[/ \|\| \/\\d\{5,\}\/\.test\(value\)/, '']],
  // What the caller says while a code is pending.
  'call/transcript.js': [
    [/if \(this\.#withheld && role === 'user'\)\s+return true;/, "if (role === 'user') return false;"],
  ],
  'sip/ladder-mask.js': [[/return this\.#everywhere\(.*\);/, 'return head + body;']],
  'http/server.js': [
    [
      /setNotFoundHandler\(async \(\{ method, url \}, reply\) => \{/,
      '$& reply.header("x-asked", encodeURI(url));',
    ],
  ],
  // The tones of keys go on to whoever listens.
  'media/inbound/key-shield.js': [
    [/return this\.#delayed\(samples, count, detector\.sounding\);/, 'return samples;'],
  ],
};

export async function load(url, context, next) {
  const loaded = await next(url, context);
  const spoilt = Object.entries(leaks).find(
    ([module]) => url.includes('/dist/src/') && url.endsWith(`/${module}`),
  );
  if (spoilt === undefined) return loaded;
  let source = loaded.source.toString();
  for (const [there, instead] of spoilt[1]) {
    if (!there.test(source)) throw new Error(`no leak can be planted in ${spoilt[0]}: it has no ${there}`);
    source = source.replace(there, instead);
  }
  return { ...loaded, source };
}
