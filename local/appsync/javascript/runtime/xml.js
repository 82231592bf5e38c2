// util.xml: XML to plain values by the rules of org.json, whose results the Developer Guide shows: attributes and children
// become members, repeated ones lists, text becomes a number or boolean where it reads as one.
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const decode = (text) =>
  text.replace(/&(#x[0-9A-Fa-f]+|#\d+|\w+);/g, (whole, name) => {
    if (name.startsWith('#x')) return String.fromCodePoint(parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : whole;
  });

const value = (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
};

const add = (target, name, item) => {
  if (!Object.hasOwn(target, name)) target[name] = item;
  else if (Array.isArray(target[name])) target[name].push(item);
  else target[name] = [target[name], item];
};

const close = (element) => {
  const text = element.text.trim();
  if (text !== '') add(element.members, 'content', element.cdata ? text : value(decode(text)));
  const names = Object.keys(element.members);
  if (names.length === 0) return '';
  return names.length === 1 && names[0] === 'content' && !Array.isArray(element.members.content) ? element.members.content : element.members;
};

const MARKUP = /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<![^>]*>|<\/\s*([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;

const toMap = (xml) => {
  if (typeof xml !== 'string') return null;
  const open = [{ name: null, members: {}, text: '' }];
  const top = () => open[open.length - 1];
  let done = 0;
  for (const found of xml.matchAll(MARKUP)) {
    top().text += xml.slice(done, found.index);
    done = found.index + found[0].length;
    const [, cdata, closing, opening, attributes, empty] = found;
    if (cdata !== undefined) {
      top().text += cdata;
      top().cdata = true;
    } else if (closing !== undefined) {
      if (top().name !== closing) throw $.failure(`Mismatched ${top().name} and ${closing}`);
      const element = open.pop();
      add(top().members, element.name, close(element));
    } else if (opening !== undefined) {
      const element = { name: opening, members: {}, text: '' };
      for (const [, name, , quoted] of attributes.matchAll(/([^\s=]+)\s*=\s*(["'])([\s\S]*?)\2/g)) {
        add(element.members, name, value(decode(quoted)));
      }
      open.push(element);
      if (empty !== '') {
        open.pop();
        add(top().members, opening, close(element));
      }
    }
  }
  const rest = xml.slice(done);
  if (open.length > 1) throw $.failure(`Unclosed tag ${top().name}`);
  if (rest.includes('<')) throw $.failure('Misshaped tag');
  return open[0].members;
};

$.xml = {
  toMap,
  toJsonString(xml, stringEncode) {
    const text = JSON.stringify(toMap(xml));
    return stringEncode ? JSON.stringify(text) : text;
  },
};
