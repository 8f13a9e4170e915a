import type { IncomingMessage, ServerResponse } from "node:http";
import { decodeJsonPacket, maxJsonBytes } from "../../common/packet/json.ts";
import { decodePacket } from "../../common/packet/msgpack.ts";
import { PacketError, packetOverheadBytes, type Packet } from "../../common/packet/packet.ts";
import type { Logger } from "../../common/log/logger.ts";
import { drain } from "../../common/drain.ts";
import { free } from "../../common/memory.ts";
import { Tally } from "../../common/metrics.ts";
import { Problem, problemBody, problemType } from "../problem.ts";
import type { Judgement, Receiver } from "./receiver.ts";

type Meaning = readonly [status: number, text: string];

/** Every answer of the push listener, with its status and, for people, what it means. */
export const pushMeanings = {
  taken: [200, "the bytes are in the buffer"],
  known: [200, "the bytes were taken before"],
  seen: [409, "the bytes were taken before"],
  malformed: [400, "not a packet"],
  audience: [401, "signed for another gateway, or for none"],
  signature: [401, "no key of the ring made this signature"],
  path: [404, "packets go to /push"],
  method: [405, "packets are pushed with POST"],
  stale: [410, "signed too long ago, too far ahead, or before this gateway started"],
  length: [411, "a push needs content-length"],
  large: [413, "more data than push.max_packet_size"],
  type: [415, "a packet is application/msgpack or application/json"],
  limited: [429, "more bytes than push.bytes_per_second"],
  draining: [503, "the gateway is shutting down"],
  unwritable: [503, "push.state_file cannot be written"],
  full: [507, "the buffer has no room"],
} as const satisfies Record<Judgement, Meaning> & Record<string, Meaning>;

export type PushAnswer = keyof typeof pushMeanings;
export const pushAnswers = Object.keys(pushMeanings) as PushAnswer[];

interface Encoding {
  readonly maxBytes: (dataBytes: number) => number;
  readonly decode: (body: Buffer) => Packet;
}

const encodings: Readonly<Record<string, Encoding>> = {
  "application/msgpack": { maxBytes: (bytes) => bytes + packetOverheadBytes, decode: decodePacket },
  "application/json": { maxBytes: maxJsonBytes, decode: decodeJsonPacket },
};

export interface PushHandlerOptions {
  readonly receiver: Receiver;
  /** Data bytes. */
  readonly maxPacketSize: number;
  readonly log: Logger;
}

/** Answers pushes: step 1 (size, type, parse) here, the rest in the receiver. */
export function createPushHandler({ receiver, maxPacketSize, log }: PushHandlerOptions) {
  const tally = new Tally<PushAnswer>(pushAnswers);

  const judge = async (request: IncomingMessage): Promise<PushAnswer> => {
    if (request.url !== "/push") return "path";
    if (request.method !== "POST") return "method";
    const length = Number(request.headers["content-length"] ?? Number.NaN);
    if (!Number.isSafeInteger(length)) return "length";
    const encoding = encodings[mediaType(request)];
    if (encoding === undefined) return "type";
    if (length > encoding.maxBytes(maxPacketSize)) return "large";
    const body = Buffer.allocUnsafeSlow(length);
    const packet = (await readBody(request, body)) ? decode(body, encoding) : undefined;
    if (packet === undefined) {
      free(body);
      return "malformed";
    }
    // Of MessagePack the packet is a view, of JSON it is not.
    const memory = packet.data.buffer === body.buffer ? body : undefined;
    if (memory === undefined) free(body);
    if (packet.data.length > maxPacketSize) {
      free(memory ?? packet.data);
      return "large";
    }
    const claims = {
      audience: header(request, "x-qrng-audience"),
      keyId: header(request, "x-qrng-key-id"),
    };
    try {
      return await receiver.receive(packet, claims, memory);
    } catch (error) {
      log.error({ error }, "push.state_file cannot be written; packets are refused");
      return "unwritable";
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await judge(request);
    tally.add(answer);
    if (answer === "large") await drain(request);
    respond(request, response, answer);
  };
  return { handle, tally };
}

/** @returns undefined when the body is not a packet */
function decode(body: Buffer, encoding: Encoding): Packet | undefined {
  try {
    return encoding.decode(body);
  } catch (error) {
    if (error instanceof PacketError) return undefined;
    free(body);
    throw error;
  }
}

function mediaType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join() : value;
}

/**
 * Fills `body`, which is as long as the request says.
 * @returns whether all of it came. The pieces that it came in are freed: they are Buffers of ours too.
 */
function readBody(request: IncomingMessage, body: Buffer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let at = 0;
  request.on("data", (piece: Buffer) => {
    at += piece.copy(body, at);
    free(piece);
  });
  const finish = (): void => resolve(at === body.length);
  request.once("end", finish).once("close", finish); // who goes early ends nothing
  request.once("error", () => undefined); // the sender went away, which `close` tells as well
  return promise;
}

function respond(request: IncomingMessage, response: ServerResponse, answer: PushAnswer): void {
  const [status, text] = pushMeanings[answer];
  // A body that was not read would be taken for the next request.
  if (!request.complete) response.setHeader("connection", "close");
  if (answer === "method") response.setHeader("allow", "POST");
  if (status === 200) {
    response.writeHead(200, { "content-length": 0 }).end();
    return;
  }
  const problem = new Problem(status, `ERR_PUSH_${answer.toUpperCase()}`, text);
  const body = problemBody(problem);
  response
    .writeHead(status, { "content-type": problemType, "content-length": body.length })
    .end(body);
}
