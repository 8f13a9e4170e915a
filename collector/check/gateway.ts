import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { ConfigError, errorCode } from "../../common/errors.ts";
import { sleep } from "../../common/wait.ts";
import { openSocket, type Target } from "../push/socket.ts";
import { day } from "./table.ts";

/**
 * A TLS 1.3 client has finished before the server has judged its certificate: a refusal comes a
 * round trip later.
 */
const refusalMilliseconds = 1_000;

/**
 * Connects to one gateway instance. Nothing is sent, and what it sends is not looked at.
 * @returns what was found, for people
 * @throws ConfigError when no push would get through, with what to look at
 */
export async function checkGateway(target: Target): Promise<string> {
  const { socket, ready } = openSocket(target);
  const closed = new AbortController();
  let problem: unknown;
  socket
    .on("error", (error) => (problem = error))
    .once("close", () => closed.abort())
    .resume();
  try {
    await ready.catch(() => {
      throw new ConfigError(`cannot be connected to: ${connectText(errorCode(problem))}`);
    });
    await sleep(refusalMilliseconds, closed.signal);
    if (closed.signal.aborted) throw new ConfigError(refusalText(target, errorCode(problem)));
    return describe(socket, target);
  } finally {
    socket.destroy();
  }
}

const connectTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it ended the connection",
  EHOSTUNREACH: "no route leads there, or a firewall refuses it",
  ENETUNREACH: "no route leads to its network",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name than push_url's host",
  CERT_HAS_EXPIRED: "its certificate has expired, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or this machine's clock is wrong",
  EPROTO: "it speaks no TLS 1.3 on that port",
};
const notSigned = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED|INVALID_CA)/;

function connectText(code: string | undefined): string {
  if (code === undefined) return "it does not answer in time, or closes the connection";
  const other = notSigned.test(code)
    ? "its certificate is not signed by push.tls.ca_file, or by a CA of this system without one"
    : code.startsWith("ERR_SSL_")
      ? connectTexts["EPROTO"]
      : "it failed";
  return `${connectTexts[code] ?? other} (${code})`;
}

function refusalText({ url, tls }: Target, code: string | undefined): string {
  const end = `ends the connection${code === undefined ? "" : ` (${code})`}`;
  if (url.protocol !== "https:") return `${end}: does it expect https?`;
  return tls.certificate === undefined
    ? `${end}: it seems to ask for a certificate, push.tls.certificate_file and key_file`
    : `${end}: it seems not to trust the CA of push.tls.certificate_file`;
}

function describe(socket: Socket, { tls }: Target): string {
  if (!(socket instanceof TLSSocket)) return "takes connections, without TLS";
  const until = socket.getPeerX509Certificate()?.validToDate;
  const dates = until === undefined ? "" : `, its certificate is good until ${day(until)}`;
  const ours = tls.certificate === undefined ? "asks for none of ours" : "does not refuse ours";
  return `${socket.getProtocol() ?? "TLS"}${dates}; it ${ours}`;
}
