// util.dynamodb: plain values to DynamoDB attribute values.
// Outputs as recorded from AWS's EvaluateCode by localstack/appsync-utils: numbers stay numbers, null is {"NULL": null}.
const absent = (value) => value === undefined || value === null;

const toDynamoDB = (value) => {
  if (absent(value)) return { NULL: null };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map((item) => toDynamoDB(item)) };
  if (typeof value === 'object') return { M: toMapValues(value) };
  throw $.failure(`a ${typeof value} has no DynamoDB form`);
};

const toMapValues = (map) => {
  if (absent(map)) return null;
  const values = {};
  for (const key of Object.keys(map)) {
    if (map[key] !== undefined) values[key] = toDynamoDB(map[key]);
  }
  return values;
};

const typed = (type) => (value) => (absent(value) ? null : { [type]: value });
const set = (type) => (values) => (absent(values) ? null : { [type]: [...values] });

const toS3Object = (key, bucket, region, version) => {
  const s3 = version === undefined ? { key, bucket, region } : { key, bucket, region, version };
  return { S: JSON.stringify({ s3 }) };
};

$.attributeValues = {
  toDynamoDB,
  toMapValues,
  toString: typed('S'),
  toStringSet: set('SS'),
  toNumber: typed('N'),
  toNumberSet: set('NS'),
  toBinary: typed('B'),
  toBinarySet: set('BS'),
  toBoolean: typed('BOOL'),
  toNull: () => ({ NULL: null }),
  toList: (values) => (absent(values) ? null : toDynamoDB(values)),
  toMap: (map) => (absent(map) ? null : { M: toMapValues(map) }),
  toS3Object,
  fromS3ObjectJson: (text) => JSON.parse(text),
};
