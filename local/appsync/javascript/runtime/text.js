// Encodings, ids, escaping, numbers: the members of util that turn one value into another.
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KSUID_EPOCH_SECONDS = 1400000000;

const hex = (bytes) => bytes.map((byte) => (byte + 256).toString(16).slice(1)).join('');

const base64Encode = (text) => {
  const bytes = $.utf8(`${text}`);
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const taken = Math.min(3, bytes.length - i);
    for (let n = 0; n < 4; n += 1) encoded += n <= taken ? BASE64[(group >> (18 - 6 * n)) & 63] : '=';
  }
  return encoded;
};

const base64Decode = (text) => {
  const bytes = [];
  let bits = 0;
  let held = 0;
  for (const character of `${text}`.split('=')[0]) {
    const value = BASE64.indexOf(character);
    if (value < 0) throw $.failure(`Illegal base64 character ${JSON.stringify(character)}`);
    held = ((held << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
    }
  }
  return $.fromUtf8(bytes);
};

// application/x-www-form-urlencoded as Java's URLEncoder writes it.
const urlEncode = (text) => {
  let encoded = '';
  for (const byte of $.utf8(`${text}`)) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9.*_-]/.test(character)) encoded += character;
    else encoded += byte === 0x20 ? '+' : `%${hex([byte]).toUpperCase()}`;
  }
  return encoded;
};

const urlDecode = (text) => {
  const bytes = [];
  const source = `${text}`;
  for (let i = 0; i < source.length; ) {
    if (source[i] === '%') {
      const digits = source.slice(i + 1, i + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw $.failure(`Incomplete or illegal escape in ${JSON.stringify(source)}`);
      bytes.push(parseInt(digits, 16));
      i += 3;
    } else {
      const character = String.fromCodePoint(source.codePointAt(i));
      bytes.push(...$.utf8(character === '+' ? ' ' : character));
      i += character.length;
    }
  }
  return $.fromUtf8(bytes);
};

// As Apache Commons' StringEscapeUtils.escapeEcmaScript.
const SHORT = { "'": "\\'", '"': '\\"', '\\': '\\\\', '/': '\\/', '\b': '\\b', '\n': '\\n', '\t': '\\t', '\f': '\\f', '\r': '\\r' };
const escapeJavaScript = (text) => {
  let escaped = '';
  for (const unit of `${text}`.split('')) {
    const code = unit.charCodeAt(0);
    if (Object.hasOwn(SHORT, unit)) escaped += SHORT[unit];
    else escaped += code < 32 || code > 127 ? `\\u${(code + 0x10000).toString(16).slice(1).toUpperCase()}` : unit;
  }
  return escaped;
};

const autoId = () => {
  const bytes = $.randomBytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
};

const inBase = (number, alphabet, length) => {
  const base = BigInt(alphabet.length);
  let digits = '';
  for (let n = 0; n < length; n += 1) {
    digits = alphabet[Number(number % base)] + digits;
    number /= base;
  }
  return digits;
};
const autoUlid = () => {
  const milliseconds = BigInt(Date.now());
  const random = BigInt(`0x${hex($.randomBytes(10))}`);
  return inBase(milliseconds, CROCKFORD, 10) + inBase(random, CROCKFORD, 16);
};
const autoKsuid = () => {
  const seconds = BigInt(Math.floor(Date.now() / 1000) - KSUID_EPOCH_SECONDS);
  return inBase((seconds << 128n) | BigInt(`0x${hex($.randomBytes(16))}`), BASE62, 27);
};

const normalize = (text, form) => {
  const name = `${form}`.toUpperCase();
  if (!['NFC', 'NFD', 'NFKC', 'NFKD'].includes(name)) throw $.failure(`${form} is none of nfc, nfd, nfkc, nfkd`);
  return `${text}`.normalize(name);
};

$.text = { base64Encode, base64Decode, urlEncode, urlDecode, escapeJavaScript, autoId, autoUlid, autoKsuid };
$.str = { normalize };
$.math = {
  roundNum: (number) => Math.floor(number + 0.5),
  minVal: (a, b) => Math.min(a, b),
  maxVal: (a, b) => Math.max(a, b),
  randomDouble: () => Math.random(),
  randomWithinRange: (start, end) => Math.floor(start + Math.random() * (end - start)),
};
