import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { eventually } from "../../helpers/eventually.ts";
import { behind } from "../helpers/behind.ts";
import { smallest } from "../helpers/bridge.ts";
import { operatorKubeConfig } from "../helpers/operator.ts";
import { startOperatorProcess } from "../helpers/operatorProcess.ts";
import { startProxy } from "../helpers/proxy.ts";
import { newScene } from "../helpers/scene.ts";

/** As the chart's terminationGracePeriodSeconds: what takes longer is killed. In milliseconds. */
const grace = 35_000;

describe.concurrent(
  "told to stop in the middle of its work, with an API server that is silent",
  () => {
    test.each([
      { how: "an operator gives up what is under way", election: "false", code: 0 },
      // What it began might else come late, beside another's work.
      { how: "one whose lease ends meanwhile ends with it", election: "true", code: 1 },
    ])(
      "$how, and needs no more time than the chart gives",
      async ({ election, code }) => {
        const cluster = await sharedControlPlane();
        await using proxy = await startProxy(new URL(cluster.url), cluster.ca);
        const scene = await newScene(cluster, "stop");
        await using operator = startOperatorProcess({
          kubeconfig: await operatorKubeConfig(behind(cluster, proxy), [scene.namespace]),
          "operator-namespace": scene.namespace,
          "management-address": "127.0.0.1:0",
          "leader-election": election,
        });
        await operator.says("begins");
        let isSilent = false;
        proxy.set({
          before: ({ path }) => {
            isSilent ||= path.includes("/secrets/");
            return isSilent ? new Promise(() => undefined) : undefined;
          },
        });
        await scene.applyBridge("lab", smallest);
        await eventually(() => isSilent, 60_000);
        const tooLate = delay(grace, "killed", { ref: false });
        const ended = await Promise.race([operator.kill("SIGTERM"), tooLate]);
        expect(ended).toEqual({ code, signal: null });
      },
      180_000,
    );
  },
);
