import { X509Certificate } from "node:crypto";
import { formatAddress } from "../../common/config/fields.ts";
import { BridgeError, errorCode } from "../../common/errors.ts";
import { estimateHealth } from "../../common/health/estimate.ts";
import { createLogger, type Logger } from "../../common/log/logger.ts";
import { listSources } from "../../common/sources/config.ts";
import { createSource, type ListedSource } from "../../common/sources/create.ts";
import { type CollectorConfig, pushUrls } from "../config.ts";
import { systemResolve } from "../push/resolve.ts";
import { portOf } from "../push/socket.ts";
import { loadPushTls } from "../push/tls.ts";
import { loadSigningRing } from "../signingRing.ts";
import { checkGateway } from "./gateway.ts";
import { day, formatFindings, type Finding } from "./table.ts";

/**
 * What a collector with this config would meet, without pushing anything: its key, its certificate,
 * one fetch of each source with an estimate of its health, and a connection to each gateway
 * instance. Random bytes are zeroed once they are judged.
 */
export async function checkCollector(config: CollectorConfig, log: Logger): Promise<Finding[]> {
  const sources = listSources(config).map((entry) =>
    look(`source ${entry.name}`, () => checkSource(entry, config.health.alpha_exponent, log)),
  );
  const findings = await Promise.all([
    look("signing key", () => checkRing(config, log)),
    look("certificate", () => checkCertificate(config, log)),
    ...sources,
    ...(await Promise.all(pushUrls(config).map((url) => listGateways(url, config, log)))).flat(),
  ]);
  return findings.flat();
}

/** @returns the exit code: 0 when all is well, else 1 */
export async function printCheck(config: CollectorConfig): Promise<0 | 1> {
  const findings = await checkCollector(config, createLogger("collector", "silent"));
  process.stdout.write(formatFindings(findings));
  return findings.every(({ isOk }) => isOk) ? 0 : 1;
}

interface Seen {
  readonly isOk: boolean;
  readonly says: string;
}

const good = (says: string): Seen => ({ isOk: true, says });

/** What is thrown becomes a finding: our errors whole, others' by their code. */
async function look(what: string, check: () => Promise<readonly Seen[]>): Promise<Finding[]> {
  try {
    return (await check()).map((seen) => ({ what, ...seen }));
  } catch (error) {
    const says =
      error instanceof BridgeError ? error.message : `failed (${errorCode(error) ?? "unknown"})`;
    return [{ what, isOk: false, says }];
  }
}

async function checkRing(config: CollectorConfig, log: Logger): Promise<Seen[]> {
  const ring = await loadSigningRing(config, log);
  ring.stop();
  const { signing, keys } = ring.current();
  const count = keys.length === 1 ? "the only key" : `one of ${keys.length} keys`;
  return [good(`signs with ${signing.id}, ${count}`)];
}

async function checkCertificate(config: CollectorConfig, log: Logger): Promise<Seen[]> {
  if (pushUrls(config).every(({ protocol }) => protocol === "http:"))
    return [good("none: pushes go to loopback or in plain")];
  const tls = await loadPushTls(config.push.tls, log);
  tls.stop();
  const { certificate } = tls.current();
  if (certificate === undefined) return [good("none is shown to the gateway")];
  const {
    subjectAltName = "no names",
    validFromDate,
    validToDate,
  } = new X509Certificate(certificate);
  const now = Date.now();
  const isOk = now >= validFromDate.getTime() && now < validToDate.getTime();
  const dates = `from ${day(validFromDate)} to ${day(validToDate)}`;
  return [{ isOk, says: `${subjectAltName}, good ${dates}${isOk ? "" : ", which is not now"}` }];
}

async function checkSource(
  entry: ListedSource,
  alphaExponent: number,
  log: Logger,
): Promise<Seen[]> {
  const source = await createSource(entry, log);
  try {
    const startedAt = performance.now();
    const bytes = await source.fetch(AbortSignal.timeout(entry.fetch_timeout * 2));
    const took = Math.round(performance.now() - startedAt);
    const gave = good(`${entry.type} gave ${bytes.length} bytes in ${took} ms`);
    return [gave, ...judgeBytes(bytes, entry.min_entropy_millibits_per_byte, alphaExponent)];
  } finally {
    source.close();
  }
}

/** Zeroes the bytes. */
function judgeBytes(bytes: Buffer, claimed: number, alphaExponent: number): Seen[] {
  const { minEntropyMillibitsPerByte, rows } = estimateHealth(bytes, {
    minEntropyMillibitsPerByte: claimed,
    alphaExponent,
  });
  bytes.fill(0);
  return [
    good(
      `min-entropy of these about ${bits(minEntropyMillibitsPerByte)} bits a byte, trusted with ${bits(claimed)}`,
    ),
    ...rows.map(({ test, found, failsFrom, passed }) => ({
      isOk: passed,
      says: `${test}: ${found}, fails from ${failsFrom}`,
    })),
  ];
}

/** A check for each instance that a push URL's name stands for. */
async function listGateways(
  url: URL,
  { push }: CollectorConfig,
  log: Logger,
): Promise<Promise<Finding[]>[]> {
  const { timeout } = push;
  try {
    const addresses = await systemResolve(url.hostname);
    return addresses.map((address) =>
      look(`gateway ${formatAddress({ host: address, port: portOf(url) })}`, async () => {
        const tls = await loadPushTls(push.tls, log);
        tls.stop();
        return [good(await checkGateway({ url, address, tls: tls.current(), timeout }))];
      }),
    );
  } catch (error) {
    const says = `${url.hostname} cannot be resolved (${errorCode(error) ?? "unknown"})`;
    return [Promise.resolve([{ what: "gateway", isOk: false, says }])];
  }
}

function bits(millibits: number): string {
  return (millibits / 1_000).toFixed(2);
}
