import type { SecretVolumeSource, Volume } from "kubernetes-types/core/v1.js";
import type { BridgeSource } from "../bridge/schema.ts";
import type { Facts } from "./facts.ts";
import {
  collectorCaName,
  keyHashesSecretName,
  serverCaName,
  shownSecretName,
  signingSecretName,
} from "./names.ts";

type Spec = Facts["bridge"]["spec"];

/** A file in a container, by the volume that brings it: a folder of its own, as kubelet swaps it. */
export interface MountedFile {
  readonly path: string;
  readonly folder: string;
  readonly volume: Volume;
}

export interface PairOfFiles {
  readonly certificate: MountedFile;
  readonly key: MountedFile;
}

export interface FilesOfSource {
  readonly ca?: MountedFile | undefined;
  readonly auth?: MountedFile | undefined;
  readonly client?: PairOfFiles | undefined;
}

const root = "/etc/qrng-bridge";

/** The keys of the bridge's own objects. */
const ringKey = "ring.json";
const hashesKey = "api-keys";
export const caKey = "ca.crt";

/** For the container's user through fsGroup, and for nobody else. */
const secretMode = 0o440;

export function configFile(name: string, key: string): MountedFile {
  return mounted({ name: "config", configMap: { name } }, key);
}

function mounted(volume: Volume, file: string): MountedFile {
  const folder = `${root}/${volume.name}`;
  return { path: `${folder}/${file}`, folder, volume };
}

/** One key of a ConfigMap or Secret, under a file name of ours: keys may be odd. */
function mountedKey(
  name: string,
  reference: { kind: "ConfigMap" | "Secret"; name: string; key: string },
  file: string,
): MountedFile {
  const items = [{ key: reference.key, path: file }];
  const volume =
    reference.kind === "ConfigMap"
      ? { name, configMap: { name: reference.name, items } }
      : { name, secret: secret(reference.name, items) };
  return mounted(volume, file);
}

function secret(secretName: string, items?: SecretVolumeSource["items"]): SecretVolumeSource {
  return { secretName, defaultMode: secretMode, ...(items === undefined ? {} : { items }) };
}

function mountedPair(name: string, secretName: string): PairOfFiles {
  const items = ["tls.crt", "tls.key"].map((key) => ({ key, path: key }));
  const volume = { name, secret: secret(secretName, items) };
  return { certificate: mounted(volume, "tls.crt"), key: mounted(volume, "tls.key") };
}

function mountedSecret(name: string, { name: secretName, key }: { name: string; key: string }) {
  return mountedKey(name, { kind: "Secret", name: secretName, key }, "secret");
}

export function filesOfSources({ sources }: Spec): Readonly<Record<string, FilesOfSource>> {
  return Object.fromEntries(sources.map((source) => [source.name, filesOf(source)]));
}

function filesOf({ name, caRef, authSecretRef, clientCertificateRef }: BridgeSource) {
  return {
    ca: caRef && mountedKey(`source-${name}-ca`, caRef, "ca.crt"),
    auth: authSecretRef && mountedSecret(`source-${name}-auth`, authSecretRef),
    client: clientCertificateRef && mountedPair(`source-${name}-client`, clientCertificateRef.name),
  };
}

/** The ring alone: what the operator keeps beside it is not for pods. */
export function ringFile({ bridge }: Facts): MountedFile {
  const reference = { kind: "Secret", name: signingSecretName(bridge), key: ringKey } as const;
  return mountedKey("signing", reference, ringKey);
}

export function collectorFiles(facts: Facts) {
  const { bridge } = facts;
  const { collector, topology } = bridge.spec;
  const ownCa = { kind: "ConfigMap", name: serverCaName(bridge), key: caKey } as const;
  const ca = topology === "InCluster" ? ownCa : collector?.push?.caRef;
  const proxyAuth = collector?.proxy?.authSecretRef;
  return {
    ring: ringFile(facts),
    leaf: mountedPair(
      "tls",
      collector?.push?.clientCertificateRef?.name ??
        shownSecretName(bridge, "collector", facts.shown),
    ),
    gatewayCa: ca && mountedKey("gateway-ca", ca, "ca.crt"),
    proxyAuth: proxyAuth && mountedSecret("proxy-auth", proxyAuth),
    sources: filesOfSources(bridge.spec),
  };
}

export function gatewayFiles(facts: Facts) {
  const { bridge } = facts;
  const { redis } = bridge.spec.gateway;
  const isDirect = bridge.spec.topology === "Direct";
  const hashes = { kind: "Secret", name: keyHashesSecretName(bridge), key: hashesKey } as const;
  return {
    leaf: mountedPair("tls", shownSecretName(bridge, "gateway", facts.shown)),
    keyHashes: mountedKey("api-keys", hashes, hashesKey),
    redisAuth: redis?.authSecretRef && mountedSecret("redis-auth", redis.authSecretRef),
    redisCa: redis?.caRef && mountedKey("redis-ca", redis.caRef, "ca.crt"),
    sources: isDirect ? filesOfSources(bridge.spec) : {},
    push: isDirect ? undefined : { ring: ringFile(facts), clientCa: clientCaFile(facts) },
  };
}

/** With GatewayOnly the collector is elsewhere; without its CA, senders show no certificate. */
function clientCaFile({ bridge }: Facts): MountedFile | undefined {
  const own = { kind: "ConfigMap", name: collectorCaName(bridge), key: caKey } as const;
  const { topology, gateway } = bridge.spec;
  const ca = topology === "GatewayOnly" ? gateway.push?.clientCARef : own;
  return ca && mountedKey("collector-ca", ca, "ca.crt");
}

/** Every file inside, however deep. */
export function listFiles(files: object): MountedFile[] {
  return Object.values(files).flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    return isMountedFile(entry) ? [entry] : listFiles(entry);
  });
}

function isMountedFile(entry: object): entry is MountedFile {
  return "volume" in entry && "path" in entry;
}
