import type { Draw } from "./buffer.ts";

export const encodings = ["hex", "base64", "base64url", "binary"] as const;
export type Encoding = (typeof encodings)[number];

export const mediaTypes: Readonly<Record<Encoding, string>> = {
  hex: "text/plain; charset=us-ascii",
  base64: "text/plain; charset=us-ascii",
  base64url: "text/plain; charset=us-ascii",
  binary: "application/octet-stream",
};

/** Encoding much at once is several times slower than in pieces; 3 bytes make 4 of base64. */
const pieceBytes = 8_190;

/**
 * A draw's bytes as text; they are zeroed when the draw is released, and a copy at once. The text
 * cannot be: strings stay in memory until they are collected.
 */
export function encodeDraw(draw: Draw, encoding: Exclude<Encoding, "binary">): string[] {
  const whole = draw.pieces.length === 1 ? draw.pieces[0]! : Buffer.concat(draw.pieces);
  const texts: string[] = [];
  for (let at = 0; at < whole.length; at += pieceBytes) {
    texts.push(whole.toString(encoding, at, Math.min(at + pieceBytes, whole.length)));
  }
  if (draw.pieces.length > 1) whole.fill(0);
  return texts;
}
