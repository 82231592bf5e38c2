// util.transform: filter objects to DynamoDB expressions and to subscription filters.
// Names, spacing, wrapping and what cannot be rendered (null) as recorded from AWS by localstack/appsync-utils
// (__tests__/transform.test.js, transform-subscription.test.js and their snapshots).
const { toDynamoDB } = $.attributeValues;
const { isObject } = $;

const COMPARISONS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' };
const FUNCTIONS = { beginsWith: 'begins_with', contains: 'contains', notContains: 'NOT contains' };
const TYPES = {
  _null: 'NULL', string: 'S', stringSet: 'SS', number: 'N', numberSet: 'NS', binary: 'B', binarySet: 'BS',
  boolean: 'BOOL', list: 'L', map: 'M',
};

class Unrenderable extends Error {}

const present = (object) => Object.keys(object).filter((key) => object[key] !== undefined);

// One or no part stands as it is, several are joined; `wrapped` puts them in parentheses.
const join = (parts, word, wrapped) => {
  const text = parts.join(` ${word} `);
  return parts.length > 1 && wrapped ? `(${text})` : text;
};

const renderer = () => {
  const names = {};
  const values = {};

  const operation = (path, value, operator, operand) => {
    const put = (suffix, item) => {
      values[`:${value}_${suffix}`] = toDynamoDB(item);
      return `:${value}_${suffix}`;
    };
    if (Object.hasOwn(COMPARISONS, operator)) return `(${path} ${COMPARISONS[operator]} ${put(operator, operand)})`;
    if (Object.hasOwn(FUNCTIONS, operator)) return `(${FUNCTIONS[operator]}(${path},${put(operator, operand)}))`;
    if (operator === 'between') {
      if (!Array.isArray(operand) || operand.length < 2) throw new Unrenderable();
      return `(${path} BETWEEN ${put('between_start', operand[0])} AND ${put('between_end', operand[1])})`;
    }
    if (operator === 'in') {
      if (!Array.isArray(operand)) throw new Unrenderable();
      if (operand.length === 0) return '(null)';
      return `(${path} IN (${operand.map((item, i) => put(`in_${i}`, item)).join(', ')}))`;
    }
    if (operator === 'attributeExists') {
      if (typeof operand !== 'boolean') throw new Unrenderable();
      return operand ? `(attribute_exists(${path}))` : `(attribute_not_exists(${path}))`;
    }
    if (operator === 'attributeType') {
      if (!Object.hasOwn(TYPES, operand)) throw new Unrenderable();
      return `(attribute_type(${path},${put('attributeType', TYPES[operand])}))`;
    }
    if (operator === 'size') {
      const sized = path.startsWith('size(') ? path : `size(${path})`;
      return operations(sized, `${value}_size`, operand);
    }
    throw new Unrenderable();
  };

  const operations = (path, value, object) => {
    if (!isObject(object)) throw new Unrenderable();
    return join(present(object).map((operator) => operation(path, value, operator, object[operator])), 'AND', true);
  };

  const group = (word, members, prefix) => {
    if (!Array.isArray(members)) throw new Unrenderable();
    return join(members.map((member, i) => filter(member, `${prefix}${i}_`, true)), word, true);
  };

  const filter = (object, prefix, wrapped) => {
    if (!isObject(object)) throw new Unrenderable();
    const parts = present(object).map((key) => {
      if (key === 'and') return group('AND', object.and, `${prefix}and_`);
      if (key === 'or') return group('OR', object.or, `${prefix}or_`);
      if (key === 'not') return `(NOT ${filter(object.not, `${prefix}not_`, true)})`;
      if (!isObject(object[key])) throw new Unrenderable();
      names[`#${key}`] = key;
      return operations(`#${key}`, `${prefix}${key}`, object[key]);
    });
    return join(parts, 'AND', wrapped);
  };

  return { filter, names, values };
};

// {expression, expressionNames, expressionValues}, or null for what AWS cannot render either.
$.expression = (object) => {
  const { filter, names, values } = renderer();
  try {
    return { expression: filter(object, '', false), expressionNames: names, expressionValues: values };
  } catch (error) {
    if (error instanceof Unrenderable) return null;
    throw error;
  }
};

const toExpressionText = (object) => {
  const rendered = $.expression(object);
  return rendered === null ? null : JSON.stringify(rendered);
};

// Alternatives are lists of filters that must all hold; combining multiplies them out.
const combine = (left, right) =>
  left.length === 0 ? right : right.length === 0 ? left : left.flatMap((a) => right.map((b) => [...a, ...b]));

const fieldAlternatives = (fieldName, operations) =>
  isObject(operations)
    ? Object.keys(operations).map((operator) => [{ fieldName, operator, value: operations[operator] }])
    : [];

const alternatives = (object, ignored) => {
  let found = [];
  for (const key of Object.keys(object ?? {})) {
    const value = object[key];
    let next;
    if (key === 'and' && Array.isArray(value)) next = value.map((member) => alternatives(member, ignored)).reduce(combine, []);
    else if (key === 'or' && Array.isArray(value)) next = value.flatMap((member) => alternatives(member, ignored));
    else next = ignored.includes(key) ? [] : fieldAlternatives(key, value);
    found = combine(found, next);
  }
  return found;
};

const toSubscriptionFilter = (object, ignoredFields, rules) => {
  if (!isObject(object)) return null;
  const strict = Object.keys(rules ?? {}).flatMap((field) => fieldAlternatives(field, rules[field]));
  const groups = combine(alternatives(object, ignoredFields ?? []), strict);
  return { filterGroup: groups.map((filters) => ({ filters })) };
};

$.transform = {
  toDynamoDBFilterExpression: toExpressionText,
  toDynamoDBConditionExpression: toExpressionText,
  toSubscriptionFilter,
};
