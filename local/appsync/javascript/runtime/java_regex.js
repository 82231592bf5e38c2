// Java's regular expressions on the engine's own: util.matches, String.replace and String.replaceAll take them.
// A construct without a counterpart is refused, so that no pattern quietly means something else.
const POSIX = {
  Lower: 'a-z', Upper: 'A-Z', ASCII: '\\x00-\\x7f', Alpha: 'a-zA-Z', Digit: '0-9', Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`\\{-~', Graph: '!-~', Print: ' -~', Blank: ' \\t', Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F', Space: ' \\t\\n\\x0b\\f\\r',
};
const UNICODE = { IsAlphabetic: 'Alphabetic', IsLetter: 'L', IsDigit: 'Nd', IsUppercase: 'Uppercase', IsLowercase: 'Lowercase', IsPunctuation: 'P', IsWhite_Space: 'White_Space' };
const SYNTAX = '^$\\.*+?()[]{}|/';
// Java's classes are ASCII unless a flag says otherwise; its \s lacks the no-break spaces of JavaScript's.
const SHORTHANDS = { s: ' \\t\\n\\x0b\\f\\r', h: ' \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000' };

const refuse = (pattern, what) => $.notEmulated(`the regular expression ${JSON.stringify(pattern)}`, `${what} has no counterpart`);

const property = (pattern, name, negated, inClass) => {
  if (Object.hasOwn(POSIX, name)) {
    if (inClass && negated) throw refuse(pattern, `\\P{${name}} in a class`);
    return inClass ? POSIX[name] : `[${negated ? '^' : ''}${POSIX[name]}]`;
  }
  return `\\${negated ? 'P' : 'p'}{${Object.hasOwn(UNICODE, name) ? UNICODE[name] : name}}`;
};

const translate = (pattern) => {
  let flags = 'u';
  let source = pattern;
  const leading = /^\(\?([imsu]+)\)/.exec(source);
  if (leading !== null) {
    source = source.slice(leading[0].length);
    for (const flag of leading[1]) if (flag !== 'u' && !flags.includes(flag)) flags += flag;
  }
  let out = '';
  let depth = 0; // of character classes
  for (let i = 0; i < source.length; ) {
    const character = String.fromCodePoint(source.codePointAt(i));
    const next = source[i + character.length];
    if (character === '\\') {
      const [text, length] = escape(pattern, source, i, depth > 0);
      out += text;
      i += length;
      continue;
    }
    if (depth > 0) {
      if (character === '[') throw refuse(pattern, 'a class inside a class');
      if (character === '&' && next === '&') throw refuse(pattern, '&&');
      if (character === ']') depth -= 1;
      out += SYNTAX.includes(character) && !']^'.includes(character) && character !== '\\' ? `\\${character}` : character;
      i += character.length;
      if (character === '^' && source[i - 2] !== '[') out = `${out.slice(0, -1)}\\^`;
      continue;
    }
    if (character === '[') {
      depth = 1;
      out += '[';
      i += 1;
      if (source[i] === '^') { out += '^'; i += 1; }
      if (source[i] === ']') { out += '\\]'; i += 1; }
      continue;
    }
    if ('*+?}'.includes(character) && next === '+') throw refuse(pattern, 'a possessive quantifier');
    if (character === '(' && next === '?') {
      const group = /^\(\?(?::|=|!|<=|<!|<[A-Za-z][A-Za-z0-9]*>)/.exec(source.slice(i));
      if (group === null) throw refuse(pattern, source.slice(i, i + 4));
      out += group[0];
      i += group[0].length;
      continue;
    }
    const literal = (character === '{' && !/^\{\d+(,\d*)?\}/.test(source.slice(i))) || (character === '}' && !/\{\d+(,\d*)?$/.test(source.slice(0, i))) || character === ']' || character === '/';
    out += literal ? `\\${character}` : character;
    i += character.length;
  }
  return [out, flags];
};

const escape = (pattern, source, i, inClass) => {
  const letter = source[i + 1];
  if (letter === undefined) throw $.failure(`Unexpected internal error near index ${i} of ${JSON.stringify(pattern)}`);
  const named = /^\\([pP])(?:\{([A-Za-z_=]+)\}|([A-Z]))/.exec(source.slice(i));
  if (named !== null) return [property(pattern, named[2] ?? named[3], named[1] === 'P', inClass), named[0].length];
  if (letter === 'Q') {
    const end = source.indexOf('\\E', i + 2);
    const quoted = source.slice(i + 2, end < 0 ? source.length : end);
    return [[...quoted].map((c) => (SYNTAX.includes(c) ? `\\${c}` : c)).join(''), quoted.length + 2 + (end < 0 ? 0 : 2)];
  }
  if (Object.hasOwn(SHORTHANDS, letter)) return [inClass ? SHORTHANDS[letter] : `[${SHORTHANDS[letter]}]`, 2];
  if (letter === 'S' || letter === 'H') {
    if (inClass) throw refuse(pattern, `\\${letter} in a class`);
    return [`[^${SHORTHANDS[letter.toLowerCase()]}]`, 2];
  }
  const code = /^\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Z]|k<[A-Za-z][A-Za-z0-9]*>)/.exec(source.slice(i));
  if (code !== null) return [code[0], code[0].length];
  if ('dDwWbBntrf'.includes(letter) || (letter >= '1' && letter <= '9')) return [`\\${letter}`, 2];
  if (letter === 'A') return ['(?<![\\s\\S])', 2];
  if (letter === 'z') return ['(?![\\s\\S])', 2];
  if (letter === 'Z') return ['(?=\\n?(?![\\s\\S]))', 2];
  if (letter === 'R') return ['(?:\\r\\n|[\\n\\x0b\\f\\r\\x85\\u2028\\u2029])', 2];
  if (letter === 'a') return ['\\x07', 2];
  if (letter === 'e') return ['\\x1b', 2];
  if (/[A-Za-z0-9]/.test(letter)) throw refuse(pattern, `\\${letter}`);
  const character = String.fromCodePoint(source.codePointAt(i + 1));
  const special = SYNTAX.includes(character) || (inClass && character === '-');
  return [special ? `\\${character}` : character, 1 + character.length];
};

const compile = (pattern, wrap, more) => {
  const [source, flags] = translate(`${pattern}`);
  try {
    return new RegExp(wrap ? `^(?:${source})$` : source, flags + more);
  } catch {
    throw $.failure(`Invalid regular expression ${JSON.stringify(`${pattern}`)}`);
  }
};

// The whole text must match, as with java.util.regex.Pattern.matches. `(?m)` would let ^ and $ match at line ends, so the
// ends are asserted without them.
$.matches = (pattern, text) => {
  const [source, flags] = translate(`${pattern}`);
  let expression;
  try {
    expression = new RegExp(`(?<![\\s\\S])(?:${source})(?![\\s\\S])`, flags);
  } catch {
    throw $.failure(`Invalid regular expression ${JSON.stringify(`${pattern}`)}`);
  }
  return expression.test(`${text}`);
};

const { replace } = String.prototype;
$.replaceJava = (text, pattern, replacement, all) => {
  const expression = compile(pattern, false, all ? 'g' : '');
  return Reflect.apply(replace, text, [expression, (...found) => {
    const groups = found.slice(0, found.findIndex((value) => typeof value === 'number'));
    return Reflect.apply(replace, `${replacement}`, [/\\([\s\S])|\$(\d)/g, (whole, literal, group) => {
      if (literal !== undefined) return literal;
      if (Number(group) >= groups.length) throw $.failure(`No group ${group}`);
      return groups[Number(group)] ?? '';
    }]);
  }]);
};
