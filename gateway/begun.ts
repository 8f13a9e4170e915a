/**
 * A sequence whose first item has been made: what is wrong from the start is thrown here, and not
 * when half of an answer is out.
 */
export async function begun<Item>(items: AsyncIterable<Item>): Promise<AsyncGenerator<Item>> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  return resume(first, { [Symbol.asyncIterator]: () => iterator });
}

async function* resume<Item>(first: IteratorResult<Item, unknown>, rest: AsyncIterable<Item>) {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}
