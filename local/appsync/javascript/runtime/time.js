// util.time, with the patterns of java.time.format.DateTimeFormatter (English names).
// Time zones come from the host: a run that meets an unknown one ends with the signal `zone` and is started again.
const { UTC, now } = Date;
const DateObject = Date;
const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const DAY_MS = 86400000;

const pad = (number, width) => `${number < 0 ? '-' : ''}${`${Math.abs(number)}`.padStart(width, '0')}`;
const iso = (milliseconds) => new DateObject(milliseconds).toISOString();

// Seconds from UTC of a zone id such as +08:00, GMT+2 or UTC; null for names.
const fixedOffset = (zone) => {
  if (['Z', 'UTC', 'GMT', 'UT'].includes(zone)) return 0;
  const found = /^(?:UTC|GMT|UT)?([+-])(\d{1,2}):?(\d{2})?:?(\d{2})?$/.exec(zone);
  if (found === null) return null;
  const seconds = Number(found[2]) * 3600 + Number(found[3] ?? 0) * 60 + Number(found[4] ?? 0);
  return found[1] === '-' ? -seconds : seconds;
};

const zoneAt = (zone, milliseconds) => {
  const fixed = fixedOffset(zone);
  if (fixed !== null) return { offset: fixed, name: zone };
  if (!Object.hasOwn($.zones, zone)) throw new $.Signal('zone', zone);
  const periods = $.zones[zone];
  if (periods === null) throw $.failure(`Unknown time-zone ID: ${zone}`);
  let low = 0;
  let high = periods.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (periods[middle][0] <= milliseconds) low = middle;
    else high = middle - 1;
  }
  return { offset: periods[low][1], name: periods[low][2] };
};

const offsetText = (seconds, colon, zulu) => {
  if (seconds === 0 && zulu) return 'Z';
  const minutes = Math.floor(Math.abs(seconds) / 60);
  return `${seconds < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${colon}${pad(minutes % 60, 2)}`;
};

// [letter, count] or [null, literal]; the reserved signs are refused.
const tokens = (pattern) => {
  const found = [];
  for (let i = 0; i < pattern.length; ) {
    const character = pattern[i];
    if (/[A-Za-z]/.test(character)) {
      let count = 1;
      while (pattern[i + count] === character) count += 1;
      found.push([character, count]);
      i += count;
    } else if (character === "'") {
      let text = '';
      let end = i + 1;
      while (end < pattern.length && (pattern[end] !== "'" || pattern[end + 1] === "'")) {
        text += pattern[end];
        end += pattern[end] === "'" ? 2 : 1;
      }
      if (end >= pattern.length) throw $.failure(`Pattern ends with an incomplete string literal: ${pattern}`);
      found.push([null, end === i + 1 ? "'" : text]);
      i = end + 1;
    } else {
      if ('{}#[]'.includes(character)) throw $.notEmulated(`the date pattern ${pattern}`, `${character} has no counterpart`);
      found.push([null, character]);
      i += 1;
    }
  }
  return found;
};

const unknown = (letter, count) => $.notEmulated(`the date pattern letter ${letter.repeat(count)}`, 'not among those here');

// Week of a week-based year that starts on Sunday with January 1 in week 1 (locale en_US).
const week = (date) => {
  const start = (year) => {
    const first = UTC(year, 0, 1);
    return first - new DateObject(first).getUTCDay() * DAY_MS;
  };
  const day = UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  let year = date.getUTCFullYear();
  if (day >= start(year + 1)) year += 1;
  return { year, number: Math.floor((day - start(year)) / (7 * DAY_MS)) + 1 };
};

const format = (milliseconds, pattern, zone) => {
  if (typeof milliseconds !== 'number' || !Number.isFinite(milliseconds)) throw $.failure(`${milliseconds} is no time`);
  const { offset, name } = zoneAt(zone, milliseconds);
  const date = new DateObject(milliseconds + offset * 1000);
  const hour = date.getUTCHours();
  const year = date.getUTCFullYear();
  const dayOfYear = Math.floor((UTC(year, date.getUTCMonth(), date.getUTCDate()) - UTC(year, 0, 1)) / DAY_MS) + 1;
  const named = (names, index, count) => (count === 4 ? names[index] : count === 5 ? names[index][0] : names[index].slice(0, 3));
  const field = (letter, count) => {
    switch (letter) {
      case 'y':
      case 'u': return count === 2 ? pad(year % 100, 2) : pad(year, count);
      case 'Y': return count === 2 ? pad(week(date).year % 100, 2) : pad(week(date).year, count);
      case 'M':
      case 'L': return count > 2 ? named(MONTHS, date.getUTCMonth(), count) : pad(date.getUTCMonth() + 1, count);
      case 'd': return pad(date.getUTCDate(), count);
      case 'D': return pad(dayOfYear, count);
      case 'E': return named(DAYS, date.getUTCDay(), count);
      case 'e':
      case 'c': return count > 2 ? named(DAYS, date.getUTCDay(), count) : pad(date.getUTCDay() + 1, count);
      case 'a': return hour < 12 ? 'AM' : 'PM';
      case 'H': return pad(hour, count);
      case 'k': return pad(hour === 0 ? 24 : hour, count);
      case 'K': return pad(hour % 12, count);
      case 'h': return pad(hour % 12 === 0 ? 12 : hour % 12, count);
      case 'm': return pad(date.getUTCMinutes(), count);
      case 's': return pad(date.getUTCSeconds(), count);
      case 'S': return pad(date.getUTCMilliseconds(), 3).padEnd(count, '0').slice(0, count);
      case 'n': return pad(date.getUTCMilliseconds() * 1000000, count);
      case 'A': return pad(((milliseconds + offset * 1000) % DAY_MS + DAY_MS) % DAY_MS, count);
      case 'Q':
      case 'q': if (count > 3) throw unknown(letter, count); return count === 3 ? `Q${Math.floor(date.getUTCMonth() / 3) + 1}` : pad(Math.floor(date.getUTCMonth() / 3) + 1, count);
      case 'w': return pad(week(date).number, count);
      case 'G': return count === 4 ? 'Anno Domini' : count === 5 ? 'A' : 'AD';
      case 'V': return zone;
      case 'z': if (count > 3) throw unknown(letter, count); return name;
      case 'O': return offset === 0 ? 'GMT' : `GMT${count === 4 ? offsetText(offset, ':', false) : offsetText(offset, ':', false).replace(/([+-])0/, '$1').replace(':00', '')}`;
      case 'X':
      case 'x': {
        const text = offsetText(offset, count === 3 || count === 5 ? ':' : '', letter === 'X');
        return count === 1 && text.endsWith('00') && text !== 'Z' ? text.slice(0, -2) : text;
      }
      case 'Z': return count === 4 ? (offset === 0 ? 'GMT' : `GMT${offsetText(offset, ':', false)}`) : offsetText(offset, count === 5 ? ':' : '', count === 5);
      default: throw unknown(letter, count);
    }
  };
  return tokens(pattern).map(([letter, value]) => (letter === null ? value : field(letter, value))).join('');
};

// Milliseconds since the epoch of a local time in a zone.
const fromLocal = (local, zone) => {
  const first = local - zoneAt(zone, local).offset * 1000;
  return local - zoneAt(zone, first).offset * 1000;
};

const PARSED = {
  y: 'year', u: 'year', M: 'month', L: 'month', d: 'day', D: 'dayOfYear', H: 'hour', k: 'hour', h: 'hour12', K: 'hour12',
  m: 'minute', s: 'second', S: 'fraction', n: 'nano',
};

const parseFormatted = (text, pattern, zone) => {
  const source = `${text}`;
  const fail = () => $.failure(`Text '${source}' could not be parsed with the pattern '${pattern}'`);
  const parts = tokens(pattern);
  const values = {};
  let at = 0;
  const take = (expression) => {
    const found = expression.exec(source.slice(at));
    if (found === null) throw fail();
    at += found[0].length;
    return found[0];
  };
  parts.forEach(([letter, value], index) => {
    if (letter === null) {
      if (!source.startsWith(value, at)) throw fail();
      at += value.length;
    } else if ((letter === 'M' || letter === 'L') && value > 2) {
      const names = value === 4 ? MONTHS : MONTHS.map((month) => month.slice(0, 3));
      const found = names.findIndex((month) => source.startsWith(month, at));
      if (found < 0) throw fail();
      values.month = found + 1;
      at += names[found].length;
    } else if (letter === 'E') {
      take(value === 4 ? /^[A-Z][a-z]+/ : /^[A-Z][a-z]{2}/);
    } else if (letter === 'a') {
      values.afternoon = take(/^[AP]M/) === 'PM';
    } else if ('XxZ'.includes(letter)) {
      values.zone = take(/^(?:Z|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)/);
    } else if (letter === 'V' || letter === 'z') {
      values.zone = take(/^[A-Za-z][A-Za-z0-9_/+:-]*/);
    } else if (Object.hasOwn(PARSED, letter)) {
      const adjacent = parts[index + 1] !== undefined && parts[index + 1][0] !== null && Object.hasOwn(PARSED, parts[index + 1][0]);
      const exact = adjacent || value === 2 || letter === 'S';
      const digits = take(new RegExp(exact ? `^\\d{${value}}` : `^[+-]?\\d{${value > 2 ? value : 1},19}`));
      values[PARSED[letter]] = letter === 'S' ? Number(`0.${digits}`) * 1000 : Number(digits);
      if ((letter === 'y' || letter === 'u') && value === 2) values.year += 2000;
      if (letter === 'k') values.hour %= 24;
    } else {
      throw unknown(letter, value);
    }
  });
  if (at !== source.length) throw fail();
  if (values.hour12 !== undefined) values.hour = (values.hour12 % 12) + (values.afternoon ? 12 : 0);
  if (values.dayOfYear !== undefined) [values.month, values.day] = [1, values.dayOfYear];
  const { year, month, day, hour, minute, second, fraction, nano } = values;
  if (year === undefined || month === undefined || day === undefined || hour === undefined) throw fail();
  const local = UTC(year, month - 1, day, hour, minute ?? 0, second ?? 0);
  const check = new DateObject(local);
  const valid = values.dayOfYear !== undefined || (check.getUTCMonth() === month - 1 && check.getUTCDate() === day);
  if (!valid || hour > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) throw fail();
  const where = values.zone ?? zone;
  if (where === undefined) throw fail();
  return fromLocal(local, where) + Math.floor((fraction ?? 0) + (nano ?? 0) / 1000000 + 1e-6);
};

const parseISO = (text) => {
  const found = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)$/.exec(`${text}`);
  const hours = found === null ? '' : found[3].replace(/^([+-]\d{2}):?(\d{2})?$/, (_, hour, minute) => `${hour}:${minute ?? '00'}`);
  const milliseconds = found === null ? NaN : DateObject.parse(`${found[1]}T${found[2].replace(/(\.\d{3})\d+$/, '$1')}${hours}`);
  if (Number.isNaN(milliseconds)) throw $.failure(`Text '${text}' could not be parsed`);
  return milliseconds;
};

$.time = {
  nowISO8601: () => iso(now()),
  nowEpochSeconds: () => Math.floor(now() / 1000),
  nowEpochMilliSeconds: () => now(),
  nowFormatted: (pattern, zone) => format(now(), pattern, zone ?? 'UTC'),
  parseFormattedToEpochMilliSeconds: parseFormatted,
  parseISO8601ToEpochMilliSeconds: parseISO,
  epochMilliSecondsToSeconds: (milliseconds) => Math.floor(milliseconds / 1000),
  epochMilliSecondsToISO8601: (milliseconds) => iso(milliseconds),
  epochMilliSecondsToFormatted: (milliseconds, pattern, zone) => format(milliseconds, pattern, zone ?? 'UTC'),
};
