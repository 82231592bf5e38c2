import { runtime, util } from '@aws-appsync/utils';

// The source of `ProductPage.prices`: a service of exchange rates (parameter RatesUrl), which answers as
// https://frankfurter.dev/v1 does: {"base": "EUR", "date": "2026-11-20", "rates": {"USD": 1.1575, ...}}.
export function request(ctx) {
  const { asked, page } = ctx.stash;
  if (!page) {
    return runtime.earlyReturn(null, { skipTo: 'END' });
  }
  const price = page.product?.price ?? null;
  // Without the product its price is not known either, of which it has told already.
  if (!asked.prices || !page.product || price === null) {
    page.prices = page.product && price === null ? [] : null;
    return runtime.earlyReturn(null);
  }
  return {
    method: 'GET',
    resourcePath: '/v1/latest',
    params: { query: { base: BASE, symbols: 'CHF,GBP,PLN,SEK,USD' }, headers: { accept: 'application/json' } },
  };
}

export function response(ctx) {
  const { page } = ctx.stash;
  const reason = ctx.error ? ctx.error.type : problem(ctx.result);
  if (reason) {
    util.appendError('prices cannot be shown at the moment.', 'TryAgain', null, { member: 'prices', source: 'RATES', reason });
    return null;
  }
  page.prices = Object.entries(JSON.parse(ctx.result.body).rates)
    .map(([currency, rate]) => ({ currency, amount: converted(page.product.price, rate) }))
    .filter(({ amount }) => amount <= MAX_INT);
  return null;
}

const BASE = 'EUR';
const BILLION = 1000000000;
const MAX_INT = 2147483647;
const MAX_CURRENCIES = 200;

// What is wrong with an answer, or null. Text that is no JSON is parsed as ''.
function problem({ statusCode, body }) {
  if (statusCode !== 200) {
    return `HTTP ${statusCode}`;
  }
  const found = JSON.parse(body);
  const rates = found?.rates;
  if (found?.base !== BASE || typeof rates !== 'object' || rates === null || Array.isArray(rates)) {
    return `no rates of ${BASE}`;
  }
  const entries = Object.entries(rates);
  const right = entries.every(([currency, rate]) => util.matches('^[A-Z]{3}$', currency) && isRate(rate));
  return right && entries.length > 0 && entries.length <= MAX_CURRENCIES ? null : 'rates that are none';
}

function isRate(rate) {
  return typeof rate === 'number' && rate > 0 && util.matches('^\\d{1,9}(\\.\\d+)?$', `${rate}`);
}

// Hundredths of the other currency's unit, rounded half up. Exactly: in floating point a half may come out as 0.4999..., so
// this reckons with whole numbers, each under 2^53: the rate in billionths (what is behind those is left off), the cents
// in two parts.
function converted(cents, rate) {
  const [whole, digits] = `${rate}`.split('.');
  const billionths = Number(`${digits ?? ''}000000000`.slice(0, 9));
  const low = cents % 10000;
  const high = ((cents - low) / 10000) * billionths;
  const rest = (high % BILLION) * 10000 + low * billionths;
  const behind = ((high - (high % BILLION)) / BILLION) * 10000 + (rest - (rest % BILLION)) / BILLION;
  return cents * Number(whole) + behind + (2 * (rest % BILLION) >= BILLION ? 1 : 0);
}
