import type { GatewayConfigInput } from "../../../gateway/config.ts";
import { makePacket, push, type TestGateway } from "../../gateway/helpers/gateway.ts";
import { type Scene, secretData } from "./scene.ts";

/** What a Deployment, a scheduler and a kubelet make: a gateway's pod of `lab` with an address. */
export async function runGatewayPod(scene: Scene, name: string, bridge = "lab"): Promise<void> {
  await scene.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: {
        "qrngbridge.io/bridge": bridge,
        "qrngbridge.io/zone": "gateway",
        "qrngbridge.io/serving": "true",
      },
    },
    spec: {
      serviceAccountName: `${bridge}-gateway`,
      automountServiceAccountToken: false,
      containers: [{ name: "gateway", image: "none" }],
    },
  });
  const status = { phase: "Running", podIP: "127.0.0.1" };
  const patch = ["--type=merge", "--patch", JSON.stringify({ status })];
  await scene.kubectl("patch", "pod", name, "--subresource=status", ...patch);
}

export interface Ring {
  readonly signing: string;
  readonly keys: readonly { readonly id: string; readonly key: string }[];
}

/** The key ring of the bridge `lab`. */
export async function storedRing(scene: Scene): Promise<{ text: string; ring: Ring }> {
  const text = (await secretData(scene, "lab-signing"))["ring.json"] ?? "";
  return { text, ring: JSON.parse(text) as Ring };
}

/** A gateway's config with a key ring's file. */
export const configWith = (ring: string): GatewayConfigInput => ({
  key_ring_file: ring,
  hmac_secret_key: undefined,
  push: { window: { future: 0 } },
});

/**
 * Pushes as the collector with that ring would, and gives the status.
 * @param ahead seconds that its clock is
 */
export function pushSigned(
  gateway: TestGateway,
  { signing, keys }: Ring,
  ahead = 0,
): Promise<number> {
  const keyHex = keys.find(({ id }) => id === signing)?.key ?? "";
  const timestamp = BigInt(Date.now() + ahead * 1_000) * 1_000_000n;
  return push(gateway, makePacket({ audience: gateway.audience, keyHex, timestamp }));
}

export function addressOf({ management }: TestGateway) {
  const { hostname, port } = new URL(management);
  return { host: hostname, port: Number(port) };
}
