import fc from "fast-check";
import { expect, test } from "vitest";
import { type Piece, PieceQueue } from "../../common/pieces.ts";

function filled(...sizes: number[]): { queue: PieceQueue; pieces: Piece[] } {
  const queue = new PieceQueue();
  const pieces = sizes.map((size, at) => ({ data: Buffer.alloc(size, at + 1), fetchedAt: at }));
  for (const piece of pieces) queue.push(piece);
  return { queue, pieces };
}

test("gives the bytes in their order, each once, with the time of their piece", () => {
  const sizes = fc.array(fc.nat(20), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, sizes, fc.boolean(), (sizes, takes, detaches) => {
      const { queue, pieces } = filled(...sizes);
      const all = pieces.flatMap(({ data, fetchedAt }) =>
        [...data].map((byte) => [byte, fetchedAt]),
      );
      const taken: number[][] = [];
      for (const bytes of takes) {
        const before = queue.bytes;
        const got = queue.take(bytes);
        for (const { data, fetchedAt } of got) taken.push(...[...data].map((b) => [b, fetchedAt]));
        expect(before - queue.bytes).toBe(Math.min(bytes, before));
        if (detaches) queue.detachLast();
      }
      expect(taken).toEqual(all.slice(0, taken.length));
      expect(taken.length + queue.bytes).toBe(all.length);
      expect(queue.clear()).toBe(all.length - taken.length);
      expect(queue.bytes).toBe(0);
    }),
  );
});

test("splits without a copy", () => {
  const { queue, pieces } = filled(10);
  const part = queue.takePiece(4)!;
  expect(part.data.buffer).toBe(pieces[0]!.data.buffer);
  part.data.fill(0);
  expect([...pieces[0]!.data]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  expect(queue.takePiece(0)).toBeUndefined();
  expect(queue.takePiece(100)?.data).toHaveLength(6);
  expect(queue.takePiece(100)).toBeUndefined();
});

test("a detached piece leaves zeroes behind; one with memory of its own stays", () => {
  const whole = Buffer.alloc(1_000, 1);
  const queue = new PieceQueue();
  queue.detachLast();
  queue.push({ data: whole, fetchedAt: 5 });
  queue.takePiece(400);
  queue.detachLast();
  expect([...whole.subarray(400)].every((byte) => byte === 0)).toBe(true);
  const rest = queue.takePiece(1_000)!;
  expect(rest).toEqual({ data: Buffer.alloc(600, 1), fetchedAt: 5 });
  expect(rest.data.buffer.byteLength).toBe(600);
  queue.push(rest);
  queue.detachLast();
  expect(queue.takePiece(600)?.data.buffer).toBe(rest.data.buffer);
});

test("clearing zeroes all", () => {
  const { queue, pieces } = filled(3, 0, 5);
  queue.takePiece(1);
  expect(queue.clear()).toBe(7);
  expect(pieces.map(({ data }) => [...data])).toEqual([[1, 0, 0], [], [0, 0, 0, 0, 0]]);
});
