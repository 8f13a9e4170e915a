import { rename, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../../common/clock.ts";
import { inClusterCredentials } from "../../../operator/api/credentials.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { endState, heldSecrets, undisturbed } from "../helpers/endState.ts";
import { operatorKubeConfig, startTestOperator } from "../helpers/operator.ts";
import { newScene } from "../helpers/scene.ts";

const edited: Spec = { ...smallest, gateway: { replicas: 3 } };

test("when its token expires the operator waits, and goes on with the next", async () => {
  const cluster = await sharedControlPlane();
  const wanted = await undisturbed(cluster, smallest, edited);
  const scene = await newScene(cluster, "token");
  const { namespace } = scene;
  const kubeconfig = await operatorKubeConfig(cluster, [namespace]); // for its grants
  await using folder = await makeFolder();
  await writeFile(folder.at("ca.crt"), cluster.ca);
  await writeFile(folder.at("token"), await cluster.tokenFor("operator", namespace));
  const { hostname, port } = new URL(cluster.url);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const credentials = await inClusterCredentials(env, systemClock, folder.path);
  await using operator = await startTestOperator(cluster, [namespace], { kubeconfig, credentials });
  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  const held = await heldSecrets(scene, "lab");

  const expired = await cluster.tokenFor("operator", namespace, { expirationSeconds: -120 });
  await writeFile(folder.at("token"), expired);
  credentials.renew();
  await scene.applyBridge("lab", edited);
  await eventually(() => operator.log.text().includes("401 Unauthorized"));
  expect((await scene.get("deployment", "lab-gateway"))?.spec?.["replicas"]).toBe(2);

  await writeFile(folder.at("next"), await cluster.tokenFor("operator", namespace));
  await rename(folder.at("next"), folder.at("token"));
  await scene.reasonIs("lab", "Reconciling", "RollingOut");
  expect(await endState(scene, "lab")).toEqual(wanted);
  expect(await heldSecrets(scene, "lab")).toEqual(held);
}, 120_000);
