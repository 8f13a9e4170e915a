import type { Agent } from "node:http";
import { exchange } from "../endToEnd/helpers/exchange.ts";
import { mix, smallest, type DrawRequest } from "./requests.ts";

/** What all clients of a soak have seen. */
export class Tallies {
  /** Requests with an answer. */
  answers = 0;
  bytes = 0;
  /** Answers that said that there are no bytes just now. */
  dry = 0;
  /** Requests that met the end of a kept connection: its time was up when they were sent. */
  retired = 0;
  /** What must not be. */
  readonly wrong = new Map<string, number>();

  note(problem: string): void {
    this.wrong.set(problem, (this.wrong.get(problem) ?? 0) + 1);
  }
}

export interface ClientOptions {
  readonly url: string;
  readonly agent: Agent;
  readonly tallies: Tallies;
  /** Told of all random bytes that came, in whole blocks. */
  readonly onBytes: (bytes: Buffer) => void;
}

/** Draws in every way, one request after the other, until `signal` aborts. */
export async function drawAll(options: ClientOptions, start: number, signal: AbortSignal) {
  for (let turn = start; !signal.aborted; turn++) await draw(options, mix[turn % mix.length]!);
}

/** Draws until there is not a single block. */
export async function drain(options: ClientOptions): Promise<void> {
  while (await draw(options, smallest));
}

/** @returns whether bytes came */
async function draw(options: ClientOptions, wanted: DrawRequest): Promise<boolean> {
  const { url, agent, tallies, onBytes } = options;
  const { path, method, headers, send, bytesOf, alsoRight = [] } = wanted;
  const sent = { url: url + path, agent, method, headers, ...(send === undefined ? {} : { send }) };
  const { status, body, whole } = await exchange(sent);
  if (status === undefined) {
    tallies.retired += 1;
    return true; // it was not answered, so it says nothing of the bytes
  }
  tallies.answers += 1;
  if (!whole && !path.startsWith("/api/stream")) tallies.note(`${path}: cut`);
  if (status !== 200) {
    if (status === 503) tallies.dry += 1;
    else if (!alsoRight.includes(status)) tallies.note(`${path}: ${status}`);
    return false;
  }
  try {
    const bytes = bytesOf(body);
    if (bytes === undefined) tallies.dry += 1;
    else {
      tallies.bytes += bytes.length;
      onBytes(bytes);
    }
  } catch (error) {
    tallies.note(`${path}: ${error instanceof Error ? error.message : "not as it should be"}`);
  }
  return true;
}
