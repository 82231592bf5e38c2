// '@aws-appsync/utils/dynamodb': request objects for the DynamoDB data source.
// Inputs as typed in the npm package @aws-appsync/utils 2.1.1; outputs of get, put, remove, scan, update and operations as
// recorded from AWS by localstack/appsync-utils (__tests__/index.test.js); the names inside other expressions are ours.
const { toDynamoDB, toMapValues, toStringSet, toNumberSet, toBinarySet } = $.attributeValues;
const { isObject } = $;
const present = (value) => value !== undefined && value !== null;

// Copies the named members that are given.
const copy = (request, input, ...names) => {
  for (const name of names) if (present(input[name])) request[name] = input[name];
  return request;
};

const expression = (object) => {
  const rendered = $.expression(object);
  if (rendered === null || rendered.expression === '') return null;
  if (Object.keys(rendered.expressionValues).length === 0) delete rendered.expressionValues;
  return rendered;
};

const withExpression = (request, name, object) => {
  const rendered = present(object) ? expression(object) : null;
  if (rendered !== null) request[name] = rendered;
  return request;
};

// 'nested.list[1]' -> '#projection_1.#projection_2[1]'
const withProjection = (request, paths) => {
  if (!present(paths)) return request;
  const expressionNames = {};
  const placeholders = {};
  const placeholder = (name) => {
    if (!Object.hasOwn(placeholders, name)) {
      placeholders[name] = `#projection_${Object.keys(placeholders).length + 1}`;
      expressionNames[placeholders[name]] = name;
    }
    return placeholders[name];
  };
  const rendered = paths.map((path) =>
    path.split('.').map((step) => {
      const bracket = step.indexOf('[');
      return bracket < 0 ? placeholder(step) : placeholder(step.slice(0, bracket)) + step.slice(bracket);
    }).join('.'),
  );
  request.projection = { expression: rendered.join(', '), expressionNames };
  return request;
};

const OPERATION = 'OPERATION_';
const operations = {
  add: (value) => ({ type: 'OPERATION_ADD', value }),
  remove: () => ({ type: 'OPERATION_REMOVE' }),
  replace: (value) => ({ type: 'OPERATION_REPLACE', value }),
  increment: (by) => ({ type: 'OPERATION_INCREMENT', by: by ?? 1 }),
  decrement: (by) => ({ type: 'OPERATION_DECREMENT', by: by ?? 1 }),
  append: (items) => ({ type: 'OPERATION_APPEND', items }),
  prepend: (items) => ({ type: 'OPERATION_PREPEND', items }),
  updateListItem: (value, index) => ({ type: 'OPERATION_UPDATE_LIST_ITEM', value, index }),
};
const isOperation = (value) => isObject(value) && typeof value.type === 'string' && value.type.startsWith(OPERATION);

const updateExpression = (changes) => {
  const expressionNames = {};
  const expressionValues = {};
  const placeholders = {};
  const sets = [];
  const removes = [];
  const name = (attribute) => {
    if (!Object.hasOwn(placeholders, attribute)) {
      placeholders[attribute] = `#expName_${Object.keys(expressionNames).length + 1}`;
      expressionNames[placeholders[attribute]] = attribute;
    }
    return placeholders[attribute];
  };
  const put = (value) => {
    const key = `:expValue_${Object.keys(expressionValues).length + 1}`;
    expressionValues[key] = toDynamoDB(value);
    return key;
  };
  const apply = (path, change) => {
    if (Array.isArray(change) && change.length > 0 && change.every((item) => isOperation(item))) {
      for (const item of change) apply(path, item);
      return;
    }
    switch (isOperation(change) ? change.type : isObject(change) ? 'nested' : 'plain') {
      case 'OPERATION_ADD':
      case 'OPERATION_REPLACE':
        sets.push(`${path} = ${put(change.value)}`);
        break;
      case 'OPERATION_INCREMENT':
        sets.push(`${path} = ${path} + ${put(change.by)}`);
        break;
      case 'OPERATION_DECREMENT':
        sets.push(`${path} = ${path} - ${put(change.by)}`);
        break;
      case 'OPERATION_APPEND':
        sets.push(`${path} = list_append(${path}, ${put(change.items)})`);
        break;
      case 'OPERATION_PREPEND':
        sets.push(`${path} = list_append(${put(change.items)}, ${path})`);
        break;
      case 'OPERATION_UPDATE_LIST_ITEM':
        sets.push(`${path}[${change.index}] = ${put(change.value)}`);
        break;
      case 'OPERATION_REMOVE':
        removes.push(path);
        break;
      case 'nested':
        for (const key of Object.keys(change)) {
          if (change[key] !== undefined) apply(`${path}.${name(key)}`, change[key]);
        }
        break;
      case 'plain':
        sets.push(`${path} = ${put(change)}`);
        break;
      default:
        throw $.failure(`${change.type} is not an operation`);
    }
  };
  for (const attribute of Object.keys(changes ?? {})) {
    if (changes[attribute] !== undefined) apply(name(attribute), changes[attribute]);
  }
  const parts = [];
  if (sets.length > 0) parts.push(`SET ${sets.join(', ')}`);
  if (removes.length > 0) parts.push(`REMOVE ${removes.join(', ')}`);
  const update = { expression: parts.join(' '), expressionNames };
  if (sets.length > 0) update.expressionValues = expressionValues;
  return update;
};

const VERSIONED = ['customPartitionKey', 'populateIndexFields', '_version'];
const PAGED = ['index', 'limit', 'nextToken', 'consistentRead', 'scanIndexForward', 'select'];

const get = (input) =>
  withProjection(copy({ operation: 'GetItem', key: toMapValues(input.key) }, input, 'consistentRead'), input.projection);

const put = (input) => {
  const request = { operation: 'PutItem', key: toMapValues(input.key), attributeValues: toMapValues(input.item) };
  return copy(withExpression(request, 'condition', input.condition), input, ...VERSIONED);
};

const update = (input) => {
  const request = { operation: 'UpdateItem', key: toMapValues(input.key), update: updateExpression(input.update) };
  return copy(withExpression(request, 'condition', input.condition), input, ...VERSIONED);
};

const remove = (input) => {
  const request = { operation: 'DeleteItem', key: toMapValues(input.key) };
  return copy(withExpression(request, 'condition', input.condition), input, ...VERSIONED);
};

const query = (input) => {
  const request = withExpression(copy({ operation: 'Query', query: expression(input.query) }, input, ...PAGED), 'filter', input.filter);
  return withProjection(request, input.projection);
};

const scan = (input) => {
  const request = copy({ operation: 'Scan' }, input, ...PAGED, 'segment', 'totalSegments');
  return withProjection(withExpression(request, 'filter', input.filter), input.projection);
};

const tables = (input, convert) => {
  const converted = {};
  for (const table of Object.keys(input.tables)) converted[table] = convert(input.tables[table]);
  return converted;
};
const items = (list) => list.map((item) => toMapValues(item));

const batchGet = (input) => ({
  operation: 'BatchGetItem',
  tables: tables(input, (t) => withProjection(copy({ keys: items(t.keys) }, t, 'consistentRead'), t.projection)),
});
const batchPut = (input) => ({ operation: 'BatchPutItem', tables: tables(input, items) });
const batchDelete = (input) => ({ operation: 'BatchDeleteItem', tables: tables(input, items) });

const transactGet = (input) => ({
  operation: 'TransactGetItems',
  transactItems: input.items.map(({ table, key, projection }) => withProjection({ table, key: toMapValues(key) }, projection)),
});

const WRITES = { putItem: 'PutItem', updateItem: 'UpdateItem', deleteItem: 'DeleteItem', conditionCheck: 'ConditionCheck' };
const transactWrite = (input) => ({
  operation: 'TransactWriteItems',
  transactItems: input.items.map((item) => {
    const kind = Object.keys(WRITES).find((name) => present(item[name]));
    if (kind === undefined) throw $.failure(`an item of transactWrite has one of ${Object.keys(WRITES).join(', ')}`);
    const write = item[kind];
    const request = { table: write.table, operation: WRITES[kind], key: toMapValues(write.key) };
    if (kind === 'putItem') request.attributeValues = toMapValues(write.item);
    if (kind === 'updateItem') request.update = updateExpression(write.update);
    return withExpression(request, 'condition', write.condition);
  }),
});

const sync = () => {
  throw $.notEmulated('sync', 'versioned data sources are not here');
};

$.modules.dynamodb = $.namespace("'@aws-appsync/utils/dynamodb'", {
  get, put, update, remove, query, scan, sync, batchGet, batchPut, batchDelete, transactGet, transactWrite,
  toStringSet, toNumberSet, toBinarySet, operations: $.namespace('operations', operations),
});
