// The state of a run, the errors that end one, and what the other files share.
// Each file is the body of a function of `$`, which user code never sees, and of the globals that are taken away from user
// code later (engine.py). Files are evaluated in order.
$.modules = { utils: {}, dynamodb: {} };
$.codes = [];
$.zones = {};

const { isArray } = Array;
const { defineProperty, freeze, hasOwn } = Object;
const { stringify, parse } = JSON;

// What one run leaves behind; a new one per run.
$.fresh = (input) => ({
  authType: input.authType ?? null,
  entropy: input.entropy ?? '',
  appended: [],
  headers: [],
  filter: null,
  invalidationFilter: null,
  invalidations: [],
  evictions: [],
  logs: [],
});
$.run = null;

// The three ways in which built-in functions end a handler, and a need that the host meets before it runs it again.
$.Signal = class Signal {
  constructor(kind, detail) {
    this.kind = kind;
    this.detail = detail;
  }
};
// Errors of the runtime's own; their prototypes are frozen, hence no plain assignment of the name.
const named = (name, message) => defineProperty(new Error(message), 'name', { value: name });
$.notEmulated = (feature, reason) => named('NotEmulated', `${feature} is not emulated: ${reason}`);
$.failure = (message) => named('Error', message);

// Namespaces answer an unknown member with its name instead of with undefined.
$.namespace = (path, members) =>
  new Proxy(freeze(members), {
    get(target, name) {
      if (typeof name === 'symbol' || name === 'toJSON' || hasOwn(target, name)) return target[name];
      throw $.notEmulated(`${path}.${name}`, 'no such member here');
    },
  });

$.isObject = (value) => typeof value === 'object' && value !== null && !isArray(value);

// Random bytes come from the host with the input of a run; a run that needs more is started again with more.
$.randomBytes = (count) => {
  const { run } = $;
  if (run.entropy.length < 2 * count) throw new $.Signal('entropy', count);
  const hex = run.entropy.slice(0, 2 * count);
  run.entropy = run.entropy.slice(2 * count);
  const bytes = [];
  for (let i = 0; i < hex.length; i += 2) bytes.push(parseInt(hex.slice(i, i + 2), 16));
  return bytes;
};

$.utf8 = (text) => {
  const bytes = [];
  for (const character of text) {
    let code = character.codePointAt(0);
    if (code >= 0xd800 && code <= 0xdfff) code = 0x3f; // Java writes a lone surrogate as '?'
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
};

$.fromUtf8 = (bytes) => {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i];
    const extra = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >> 4 === 0xe ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
    let code = extra === 0 ? first : extra === 1 ? first & 31 : extra === 2 ? first & 15 : first & 7;
    let valid = extra >= 0;
    for (let n = 1; valid && n <= extra; n += 1) {
      const next = bytes[i + n];
      if (next === undefined || next >> 6 !== 2) valid = false;
      else code = (code << 6) | (next & 63);
    }
    valid = valid && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    text += valid ? String.fromCodePoint(code) : '\ufffd';
    i += valid ? extra + 1 : 1;
  }
  return text;
};

// Runs a handler on a context given as JSON text; the answer is JSON text too. Members without content are left out.
$.start = (index, handler, text) => {
  const input = parse(text);
  const run = ($.run = $.fresh(input));
  const given = input.context;
  const members = {};
  members.arguments = members.args = given.arguments ?? {};
  for (const name of ['identity', 'source', 'result', 'prev', 'error', 'request', 'env']) members[name] = given[name] ?? null;
  members.stash = given.stash ?? {};
  const info = given.info ?? null;
  if (info !== null) {
    // JSON.stringify(ctx.info) shows neither of the two (Developer Guide, context reference).
    for (const name of ['selectionSetList', 'selectionSetGraphQL']) {
      defineProperty(info, name, { value: info[name], enumerable: false });
    }
  }
  members.info = info;
  const context = freeze(members);

  const output = {};
  try {
    const value = $.codes[index]($.modules, $.exceeded)[handler](context);
    if (value === undefined) output.undefined = true;
    else output.value = value;
  } catch (thrown) {
    $.describe(output, thrown);
  }
  for (const name of input.keep ?? []) output[name] = context[name];
  for (const name of ['appended', 'headers', 'invalidations', 'evictions', 'logs']) {
    if (run[name].length > 0) output[name] = run[name];
  }
  if (run.filter !== null) output.filter = run.filter;
  if (run.invalidationFilter !== null) output.invalidationFilter = run.invalidationFilter;
  try {
    return stringify(output);
  } catch (thrown) {
    const failed = {}; // a cycle in the value, or memory
    $.describe(failed, thrown);
    return stringify(failed);
  }
};

$.describe = (output, thrown) => {
  if (thrown instanceof $.Signal) {
    output.signal = thrown.kind;
    output.detail = thrown.detail;
    if (thrown.kind === 'earlyReturn') output.value = thrown.detail.value;
  } else {
    output.signal = 'exception';
    output.detail = { name: thrown?.name ?? 'Error', message: `${thrown?.message ?? thrown}`, stack: thrown?.stack ?? '' };
  }
};

$.addCode = (factory) => $.codes.push(factory) - 1;
$.dropCode = (index) => {
  $.codes[index] = null;
};
$.addZone = (name, text) => {
  $.zones[name] = parse(text);
};

$.exceeded = () => {
  throw $.failure('A loop ran more than 1,000 iterations');
};
