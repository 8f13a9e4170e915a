/**
 * Zeroes bytes that nobody needs any more, and gives their memory back at once where they are all of
 * it. V8 would do that when it collects: until then such memory grows, and for its sake V8 collects
 * everything. Afterwards every view of it is empty. Nothing may still be writing one to a socket:
 * that would write what somebody else has there by then.
 */
export function free(bytes: Uint8Array): void {
  if (bytes.length === 0) return; // a view of what was given back throws when it is filled
  bytes.fill(0);
  const { buffer, byteLength } = bytes;
  // Where others have a part of the memory, as of Node's pool, it stays.
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}
