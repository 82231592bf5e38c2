import { util } from '@aws-appsync/utils';

// What the utilities return.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  return {
    autoId: util.autoId(),
    autoUlid: util.autoUlid(),
    autoKsuid: util.autoKsuid(),
    now: util.time.nowISO8601(),
    nowSeconds: util.time.nowEpochSeconds(),
    nowMilliSeconds: util.time.nowEpochMilliSeconds(),
    fromMilliSeconds: util.time.epochMilliSecondsToISO8601(1517943695749),
    toSeconds: util.time.epochMilliSecondsToSeconds(1517943695750),
    parsed: util.time.parseISO8601ToEpochMilliSeconds('2018-02-01T17:21:05.180+08:00'),
    parsedFormatted: util.time.parseFormattedToEpochMilliSeconds('2018-02-01 17:21:05', 'yyyy-MM-dd HH:mm:ss', 'UTC'),
    formatted: util.time.epochMilliSecondsToFormatted(1517943695750, 'yyyy-MM-dd HH:mm:ssZ', 'Australia/Perth'),
    urlEncode: util.urlEncode('a b&c=ä'),
    urlDecode: util.urlDecode('a+b%26c%3D%C3%A4'),
    base64Encode: util.base64Encode('text'),
    base64Decode: util.base64Decode('dGV4dA=='),
    escapeJavaScript: util.escapeJavaScript(`it's`),
    matches: util.matches('a*b', 'aaaaab'),
    matchesNot: util.matches('a*b', 'xyz'),
    normalize: util.str.normalize('A\u030a', 'nfc'),
    roundNum: util.math.roundNum(1.5),
    minVal: util.math.minVal(1, 2),
    maxVal: util.math.maxVal(1, 2),
    randomDouble: util.math.randomDouble(),
    randomWithinRange: util.math.randomWithinRange(10, 20),
    toDynamoDB: util.dynamodb.toDynamoDB({ text: 'a', number: 10, no: null, yes: true, list: [1, 'a'] }),
    toString: util.dynamodb.toString('a'),
    toStringSet: util.dynamodb.toStringSet(['a']),
    toNumber: util.dynamodb.toNumber(10),
    toNull: util.dynamodb.toNull(),
    toMapValues: util.dynamodb.toMapValues({ id: 'a' }),
    toS3Object: util.dynamodb.toS3Object('key', 'bucket', 'us-east-1'),
    filterExpression: util.transform.toDynamoDBFilterExpression({ title: { beginsWith: 'far away' } }),
    filterContains: util.transform.toDynamoDBFilterExpression({ title: { contains: 'a' } }),
    conditionExpression: util.transform.toDynamoDBConditionExpression({
      id: { attributeExists: true },
      version: { eq: 10 },
    }),
    subscriptionFilter: util.transform.toSubscriptionFilter({ room: { eq: 'a' } }),
  };
}
