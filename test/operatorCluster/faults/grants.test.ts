import { beforeAll, expect, test } from "vitest";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { type EndState, endState, heldSecrets, undisturbed } from "../helpers/endState.ts";
import {
  chartRules,
  grantRules,
  operatorKubeConfig,
  startTestOperator,
} from "../helpers/operator.ts";
import { newScene } from "../helpers/scene.ts";

/** Changes the Deployment, the Service and a policy of the gateways. */
const edited: Spec = {
  ...smallest,
  gateway: {
    replicas: 3,
    service: { annotations: { "example.com/team": "physics" } },
    clients: [],
  },
};

let cluster: ControlPlaneAccess;
let wanted: EndState;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  wanted = await undisturbed(cluster, smallest, edited);
});

test.each([
  ["secrets", "get secrets"],
  ["deployments", "patch deployments.apps"],
  ["services", "patch services"],
  ["networkpolicies", "patch networkpolicies.networking.k8s.io"],
])(
  "the right to %s taken away from an operator at work is named, and given back heals all",
  async (resource, right) => {
    const scene = await newScene(cluster, "taken");
    const { namespace } = scene;
    const kubeconfig = await operatorKubeConfig(cluster, [namespace]);
    await using _ = await startTestOperator(cluster, [namespace], { kubeconfig });
    await scene.applyBridge("lab", smallest);
    await scene.reasonIs("lab", "Reconciling", "RollingOut");
    const held = await heldSecrets(scene, "lab");

    const rules = await chartRules("bridge-rules");
    const left = rules.filter(({ resources }) => !resources.includes(resource));
    await grantRules(cluster, namespace, left);
    await scene.applyBridge("lab", edited);
    const message = await scene.reasonIs("lab", "Stalled", "MissingGrant");
    expect(message).toContain(`the operator may not ${right} in namespace ${namespace}: add to`);

    await grantRules(cluster, namespace, rules);
    await scene.reasonIs("lab", "Reconciling", "RollingOut");
    expect(await endState(scene, "lab")).toEqual(wanted);
    expect(await heldSecrets(scene, "lab")).toEqual(held);
  },
  120_000,
);
