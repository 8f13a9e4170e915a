import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { errorCode } from "../../common/errors.ts";
import type { Endpoint } from "../../common/probe/endpoint.ts";
import { codePattern, type Outcome } from "../../common/probe/report.ts";
import type { Scheduler } from "../../common/scheduler.ts";

/**
 * Milliseconds without an answer that count as silence: a SYN that is lost is sent again after one
 * second, and so is our datagram.
 */
export const patience = 2_000;
const sendAgain = 1_000;

/** Tries once. Never throws. */
export function attempt(endpoint: Endpoint, scheduler: Scheduler): Promise<Outcome> {
  return endpoint.protocol === "TCP"
    ? attemptTcp(endpoint, scheduler)
    : attemptUdp(endpoint, scheduler);
}

async function attemptTcp({ host, port }: Endpoint, scheduler: Scheduler): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host, port });
  const cancel = scheduler.after(patience, () => resolve("silent"));
  socket.once("connect", () => resolve("connected"));
  socket.on("error", (error) => resolve(outcomeOf(error)));
  const outcome = await promise;
  cancel();
  socket.destroy();
  return outcome;
}

async function attemptUdp({ host, port }: Endpoint, scheduler: Scheduler): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  const send = (): void =>
    socket.send(port === dnsPort ? question : greeting, (error) => {
      if (error !== null) resolve(outcomeOf(error));
    });
  socket.once("message", () => resolve("connected"));
  socket.on("error", (error) => resolve(outcomeOf(error)));
  const cancels = [scheduler.after(patience, () => resolve("silent"))];
  // Connected, so that the kernel tells of a refusal by ICMP, and takes no other's answer.
  socket.once("connect", () => {
    send();
    cancels.push(scheduler.after(sendAgain, send));
  });
  socket.connect(port, host);
  const outcome = await promise;
  for (const cancel of cancels) cancel();
  socket.close();
  return outcome;
}

const greeting = Buffer.from("qrng-bridge one-way check");

const dnsPort = 53;
/** The name servers of the root: a question that any DNS server answers, if only by refusing (RFC 1035, section 4.1). */
const question = Buffer.from("7162010000010000000000000000020001", "hex");

/** Refused or reset by the other side means reached; the rest never left this machine or its net. */
function outcomeOf(error: unknown): Outcome {
  const code = errorCode(error) ?? "UNKNOWN";
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "refused";
  if (code === "ETIMEDOUT") return "silent";
  return `failed ${codePattern.test(code) ? code : "UNKNOWN"}`;
}
