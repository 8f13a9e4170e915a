import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { PrometheusRule } from "../../operator/build/prometheusRule.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeFacts, objectsOf } from "../operator/build/facts.ts";
import { ofKind } from "../operator/build/references.ts";
import { goldenSpecs } from "../operator/build/specs.ts";
import { runTool } from "./tool.ts";

/** Series of the bridge physics/lab, or of another where `labels` say so. */
const labels = 'namespace="physics",bridge="lab"';

type Rules = Pick<PrometheusRule["spec"], "groups">;

/** Those of a bridge. */
const [{ spec: bridgeRules } = { spec: { groups: [] } }] = ofKind<PrometheusRule>(
  objectsOf(makeFacts(goldenSpecs.smallest)),
  "PrometheusRule",
);

/** The alerts that fire after a quarter of an hour with these series, by promtool's own engine. */
async function firing(
  series: Readonly<Record<string, string>>,
  rules: Rules = bridgeRules,
): Promise<string[]> {
  await using folder = await makeFolder();
  const names = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  await writeFile(join(folder.path, "rules.yaml"), stringify(rules));
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const outcomes = await Promise.all(
    names.map(async (alertname) => {
      // It fails, and says `got:[]`, when the alert is silent: so it is told to expect silence.
      const alert_rule_test = [{ eval_time: "15m", alertname, exp_alerts: [] }];
      const tests = [{ interval: "1m", input_series, alert_rule_test }];
      const file = join(folder.path, `${alertname}.yaml`);
      await writeFile(file, stringify({ rule_files: ["rules.yaml"], tests }));
      const { code, output } = await runTool("promtool", ["test", "rules", file], {
        install: "apt-get install prometheus",
      });
      expect(output).not.toMatch(/error|parse/i);
      return code === 0 ? [] : [alertname];
    }),
  );
  return outcomes.flat();
}

const healthy = {
  [`qrng_gateway_buffer_bytes{${labels},pod="a"}`]: "0x30",
  [`qrng_gateway_buffer_bytes{${labels},pod="b"}`]: "100x30",
  [`qrng_gateway_quality_alarm{${labels},pod="a"}`]: "0x30",
  [`qrng_source_up{${labels},source="lab"}`]: "1x30",
  [`qrng_collector_pushes_total{${labels},outcome="refused"}`]: "0+60x30",
  [`qrng_collector_delivered_bytes_total{${labels}}`]: "0+6000x30",
  // Another bridge's troubles are not this one's.
  'qrng_gateway_buffer_bytes{namespace="physics",bridge="other",pod="c"}': "0x30",
  'qrng_source_up{namespace="chemistry",bridge="lab",source="lab"}': "0x30",
};

test("a bridge whose bytes flow raises no alert", async () => {
  expect(await firing(healthy)).toEqual([]);
});

test.each([
  ["QrngNoBytes", { [`qrng_gateway_buffer_bytes{${labels},pod="b"}`]: "0x30" }],
  ["QrngQualityAlarm", { [`qrng_gateway_quality_alarm{${labels},pod="a"}`]: "1x30" }],
  ["QrngSourceDown", { [`qrng_source_up{${labels},source="lab"}`]: "0x30" }],
  ["QrngPushesFail", { [`qrng_collector_delivered_bytes_total{${labels}}`]: "7x30" }],
])("%s fires", async (alert, changed) => {
  expect(await firing({ ...healthy, ...changed })).toEqual([alert]);
});

describe("alerts on the operator, which the chart brings", () => {
  const leads = 'leader_election_master_status{name="qrng-bridge-operator",namespace="qrng",pod=';
  const rules = async (): Promise<Rules> => {
    const text = await readFile("charts/qrng-bridge/files/alerts.yaml", "utf8");
    return { groups: parse(text) as Rules["groups"] };
  };

  test.each([
    ["one of two leads", { [`${leads}"a"}`]: "0x30", [`${leads}"b"}`]: "1x30" }, []],
    ["another took over", { [`${leads}"a"}`]: "1x6", [`${leads}"b"}`]: "0x6 1x24" }, []],
    ["none leads", { [`${leads}"a"}`]: "0x30" }, ["QrngOperatorDown"]],
    ["none is there", {}, ["QrngOperatorDown"]],
  ])("where %s", async (_, series, expected) => {
    expect(await firing(series, await rules())).toEqual(expected);
  });
});
