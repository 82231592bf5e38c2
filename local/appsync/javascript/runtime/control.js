// Errors, early returns, subscription extensions, response headers, logs: what a handler does besides returning a value.
const { utils } = $.modules;

const entry = (message, type, data, info) => ({
  message: message === undefined || message === null ? null : `${message}`,
  type: type ?? null,
  data: data ?? null,
  errorInfo: info ?? null,
});

$.control = {
  error(message, type, data, info) {
    throw new $.Signal('error', entry(message, type, data, info));
  },
  appendError(message, type, data, info) {
    $.run.appended.push(entry(message, type, data, info));
  },
  unauthorized() {
    throw new $.Signal('unauthorized', null);
  },
  authType: () => $.run.authType,
};

utils.runtime = $.namespace('runtime', {
  earlyReturn(value, options) {
    const skipTo = options?.skipTo ?? 'NEXT';
    if (skipTo !== 'END' && skipTo !== 'NEXT') throw $.failure(`skipTo is END or NEXT, not ${skipTo}`);
    throw new $.Signal('earlyReturn', { value: value ?? null, skipTo });
  },
});

const filter = (name, value) => {
  const groups = value?.filterGroup;
  if (!Array.isArray(groups)) throw $.failure(`${name} takes an object with a list filterGroup`);
  for (const group of groups) {
    if (!Array.isArray(group?.filters)) throw $.failure(`${name}: each element of filterGroup has a list filters`);
    for (const rule of group.filters) {
      if (typeof rule?.fieldName !== 'string' || typeof rule.operator !== 'string' || rule.value === undefined) {
        throw $.failure(`${name}: a filter has fieldName, operator and value`);
      }
    }
  }
  return value;
};

utils.extensions = $.namespace('extensions', {
  // null takes a filter away again.
  setSubscriptionFilter(value) {
    $.run.filter = value ?? null ? filter('setSubscriptionFilter', value) : null;
  },
  setSubscriptionInvalidationFilter(value) {
    $.run.invalidationFilter = value ?? null ? filter('setSubscriptionInvalidationFilter', value) : null;
  },
  invalidateSubscriptions(value) {
    if (typeof value?.subscriptionField !== 'string' || !$.isObject(value.payload)) {
      throw $.failure('invalidateSubscriptions takes {subscriptionField, payload}');
    }
    $.run.invalidations.push({ subscriptionField: value.subscriptionField, payload: value.payload });
  },
  evictFromApiCache(typeName, fieldName, keys) {
    if (typeof typeName !== 'string' || typeof fieldName !== 'string' || !$.isObject(keys)) {
      throw $.failure('evictFromApiCache takes a type name, a field name and an object of caching keys');
    }
    $.run.evictions.push({ typeName, fieldName, keys });
  },
});

// Never copied to a data source: hop-by-hop and what the HTTP data source sets itself (Developer Guide, util.http).
const RESTRICTED = new Set(
  ('transfer-encoding connection host expect keep-alive upgrade proxy-authenticate proxy-authorization te ' +
    'content-length').split(' '),
);

const addResponseHeader = (name, value) => {
  $.run.headers.push([`${name}`, typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')]);
};
$.http = {
  copyHeaders(headers) {
    const copied = {};
    for (const name of Object.keys(headers ?? {})) {
      if (!RESTRICTED.has(name.toLowerCase())) copied[name] = headers[name];
    }
    return copied;
  },
  addResponseHeader,
  addResponseHeaders(headers) {
    for (const name of Object.keys(headers ?? {})) addResponseHeader(name, headers[name]);
  },
};

const log = (level) => (...values) => {
  const text = values.map((value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined'))).join(' ');
  if ($.run.logs.length < 1000) $.run.logs.push(`${level} ${text}`);
};
$.console = $.namespace('console', { log: log('INFO'), error: log('ERROR') });
