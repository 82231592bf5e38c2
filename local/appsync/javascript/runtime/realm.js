// The last file: puts util together, takes away what APPSYNC_JS does not have, and freezes what is left, so that no code can
// change what the next run sees.
const { utils } = $.modules;
const { getOwnPropertyDescriptors, defineProperty, getPrototypeOf, freeze } = Object;
const { ownKeys, apply } = Reflect;
const { parse } = JSON;
const { sort } = Array.prototype;
const { replace, replaceAll } = String.prototype;

utils.util = $.namespace('util', {
  ...$.control,
  ...$.text,
  matches: $.matches,
  time: $.namespace('util.time', $.time),
  dynamodb: $.namespace('util.dynamodb', $.attributeValues),
  transform: $.namespace('util.transform', $.transform),
  http: $.namespace('util.http', $.http),
  math: $.namespace('util.math', $.math),
  str: $.namespace('util.str', $.str),
  xml: $.namespace('util.xml', $.xml),
});
freeze($.modules);
freeze(utils);

// Where AWS's runtime differs from the language. Methods that it lacks are found in the source text (restrictions.py).
const changed = {
  sort(compare) {
    if (compare !== undefined) throw $.failure('Array.prototype.sort takes no function');
    return apply(sort, this, []);
  },
  // Only the runtime's own files have regular expressions to pass.
  replace(pattern, replacement) {
    if (typeof pattern === 'object') return apply(replace, this, [pattern, replacement]);
    return $.replaceJava(`${this}`, pattern, replacement, false);
  },
  replaceAll(pattern, replacement) {
    if (typeof pattern === 'object') return apply(replaceAll, this, [pattern, replacement]);
    return $.replaceJava(`${this}`, pattern, replacement, true);
  },
  parse(text) {
    try {
      return parse(text);
    } catch {
      return ''; // Developer Guide: a blank string for text that is not JSON
    }
  },
};
const put = (holder, name, value) => defineProperty(holder, name, { value, configurable: true, writable: true });
put(Array.prototype, 'sort', changed.sort);
put(String.prototype, 'replace', changed.replace);
put(String.prototype, 'replaceAll', changed.replaceAll);
put(JSON, 'parse', changed.parse);

// What code reaches through syntax or values rather than by name: no way from there to a constructor that is not global,
// least of all to Function, which compiles text.
const iterators = [[][Symbol.iterator](), ''[Symbol.iterator](), 'a'.matchAll(/a/g)].map((iterator) => getPrototypeOf(iterator));
const errors = [Error, TypeError, ReferenceError, RangeError, SyntaxError].map((native) => native.prototype);
const hidden = [Function.prototype, RegExp.prototype, Symbol.prototype, BigInt.prototype, ...errors, ...iterators];
for (let holder of hidden) {
  for (; holder !== null && holder !== Object.prototype; holder = getPrototypeOf(holder)) {
    if (Object.hasOwn(holder, 'constructor')) delete holder.constructor;
  }
}
delete Object.prototype.__proto__;
for (const name of ['__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__']) delete Object.prototype[name];

const kept = new Set(
  ('Object Array String Number Boolean JSON Math NaN Infinity undefined isNaN isFinite parseInt parseFloat decodeURI ' +
    'decodeURIComponent encodeURI encodeURIComponent').split(' '),
);
for (const name of ownKeys(realm)) if (!kept.has(name)) delete realm[name];
const own = { util: utils.util, extensions: utils.extensions, runtime: utils.runtime, console: $.console };
for (const name of ownKeys(own)) defineProperty(realm, name, { value: own[name], enumerable: true });

// Once Object.prototype is frozen, `item.constructor = 1` would fail; as accessors its members can be shadowed.
const members = getOwnPropertyDescriptors(Object.prototype);
for (const name of ownKeys(members)) {
  const { value } = members[name];
  defineProperty(Object.prototype, name, {
    get: () => value,
    set(replacement) {
      if (this === Object.prototype) throw $.failure('built-in objects are read-only');
      defineProperty(this, name, { value: replacement, enumerable: true, configurable: true, writable: true });
    },
  });
}

const seen = new Set();
const pending = [realm, $.exceeded, ...hidden];
while (pending.length > 0) {
  const object = pending.pop();
  const freezable = (typeof object === 'object' && object !== null) || typeof object === 'function';
  if (!freezable || seen.has(object)) continue;
  seen.add(object);
  const descriptors = getOwnPropertyDescriptors(object);
  for (const key of ownKeys(descriptors)) {
    const { value, get, set } = descriptors[key];
    pending.push(value, get, set);
  }
  pending.push(getPrototypeOf(object));
  freeze(object);
}
