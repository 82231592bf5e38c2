// What the language of the runtime can do.
export function request(ctx) {
  return { payload: null };
}

function total(numbers) {
  let sum = 0;
  for (const number of numbers) {
    sum += number;
  }
  return sum;
}

export function response(ctx) {
  const { first, ...rest } = { first: 1, second: 2, third: 3 };
  const keys = [];
  for (const key in { a: 1, b: 2 }) {
    keys.push(key);
  }
  let chosen = '';
  switch (rest.second) {
    case 2:
      chosen = 'two';
      break;
    default:
      chosen = 'other';
  }
  const object = { a: 1, b: 2 };
  delete object.a;
  return {
    random: Math.random(),
    floor: Math.floor(1.7),
    parsedBadJson: JSON.parse('{'),
    rest,
    keys,
    chosen,
    object,
    total: total([1, 2, 3]),
    optional: object.none?.deeper ?? 'nothing',
    template: `a${1 + 1}`,
    spread: [...[1, 2], 3],
    sorted: ['b', 'a', 'c'].sort(),
    replaced: 'a1b22'.replaceAll('[0-9]+', '-'),
    entries: Object.entries({ a: 1 }),
    isNaN: Number.isNaN(NaN),
    mapped: [1, 2, 3].map((number) => number * 2).filter((number) => number > 2),
  };
}
