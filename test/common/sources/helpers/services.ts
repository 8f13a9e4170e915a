import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Reply } from "../../../helpers/faultAppliance.ts";

/** A public service's protocol, as a reply of `startFaultAppliance`. */
export interface Service {
  readonly reply: Reply;
  /** The bytes of every answer, in order. */
  readonly given: Buffer[];
}

/** Milliseconds; tests turn it. */
type Now = () => number;

/** ANU's public page: one request a minute, else a 500 with a line of text. */
export function anuService(now: Now): Service {
  const given: Buffer[] = [];
  let latest = -Infinity;
  const reply: Reply = (response, request) => {
    const { pathname, searchParams } = urlOf(request);
    if (pathname !== "/API/jsonI.php")
      return send(response, 404, "text/html", "<h1>Not found</h1>");
    if (now() - latest < 60_000) {
      const text = "The QRNG API is limited to 1 requests per minute.";
      return send(response, 500, "text/html", text);
    }
    latest = now();
    const length = Number(searchParams.get("length"));
    if (searchParams.get("type") !== "uint8" || !isWhole(length, 1024)) {
      return sendJson(response, 200, { success: false });
    }
    const bytes = give(given, length);
    sendJson(response, 200, { type: "uint8", length, data: [...bytes], success: true });
  };
  return { reply, given };
}

/** ANU Quantum Numbers, behind a gateway that counts an API key's requests. */
export function aqnService(key: string, { requests = Infinity } = {}): Service {
  const given: Buffer[] = [];
  const reply: Reply = (response, request) => {
    const { searchParams } = urlOf(request);
    if (request.headers["x-api-key"] !== key) {
      return sendJson(response, 403, { message: "Forbidden" });
    }
    if (given.length >= requests) return sendJson(response, 429, { message: "Limit Exceeded" });
    const length = Number(searchParams.get("length"));
    if (searchParams.get("type") !== "uint8" || !isWhole(length, 1024)) {
      return sendJson(response, 400, { success: false, message: "Invalid parameters" });
    }
    const bytes = give(given, length);
    const answer = { success: true, type: "uint8", length: String(length), data: [...bytes] };
    sendJson(response, 200, answer);
  };
  return { reply, given };
}

interface QryptLimits {
  readonly token: string;
  /** KiB that the account may still have. */
  readonly allotment?: number;
  /** KiB that the service has at all. */
  readonly stock?: number;
  readonly now: Now;
}

/** Qrypt's entropy service: sizes in KiB, 30 requests in 10 s, an allotment for each account. */
export function qryptService({ token, allotment = 1e6, stock = 1e6, now }: QryptLimits): Service {
  const given: Buffer[] = [];
  const asked: number[] = [];
  const reply: Reply = (response, request) => {
    const { pathname, searchParams } = urlOf(request);
    const fail = (status: number): void => sendJson(response, status, { message: "no" });
    if (pathname !== "/api/v1/quantum-entropy") return fail(404);
    if (request.headers.authorization !== `Bearer ${token}`) return fail(401);
    const size = Number(searchParams.get("size"));
    if (!isWhole(size, 512)) return fail(400);
    asked.push(now());
    if (asked.filter((time) => time > now() - 10_000).length > 30) return fail(429);
    if (given.length + size > allotment) return fail(403);
    if (given.length + size > stock) return fail(503);
    const random = Array.from({ length: size }, () => give(given, 1024).toString("base64"));
    sendJson(response, 200, { random, size });
  };
  return { reply, given };
}

function give(given: Buffer[], length: number): Buffer {
  const bytes = randomBytes(length);
  given.push(bytes);
  return bytes;
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? "", "https://service.example");
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, "application/json", JSON.stringify(value));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type }).end(body);
}
