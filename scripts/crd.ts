import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { stringify } from "yaml";
import { describeResource } from "./definition.ts";
import { describeFields } from "./resourceReference.ts";
import { replaceTable } from "./configTable.ts";

/**
 * Writes crds/qrngbridge.yaml, the chart's template of it and the tables of docs/qrngbridge.md;
 * `--check` only compares.
 */
const written = {
  "crds/qrngbridge.yaml": () => renderDefinition(),
  "charts/qrng-bridge/templates/crd.yaml": async () => renderTemplate(await renderDefinition()),
  "docs/qrngbridge.md": (before: string) => replaceTable(before, describeFields()),
};
for (const [file, render] of Object.entries(written)) {
  const path = new URL(`../${file}`, import.meta.url);
  const before = readFileSync(path, "utf8");
  const after = await render(before);
  if (before === after) continue;
  if (process.argv.includes("--check")) {
    process.stderr.write(`${file} differs from the schema; run: npm run docs\n`);
    process.exitCode = 1;
  } else writeFileSync(path, after);
}

function renderDefinition(): Promise<string> {
  const options = { aliasDuplicateObjects: false, lineWidth: 0 };
  const text = stringify(describeResource(), options);
  const header = "# Made from operator/bridge/schema.ts by: npm run docs\n";
  return format(header + text, { parser: "yaml", printWidth: 100 });
}

/** The definition behind the chart's switches: as a template, since Helm never upgrades `crds/`. */
function renderTemplate(definition: string): string {
  const [head = "", spec = ""] = definition.split(/(?=^spec:$)/m);
  if (spec.includes("{{"))
    throw new Error("the definition holds {{, which Helm would take for its own");
  return `{{- if .Values.crds.install }}
${head}  labels:
    {{- include "qrng-bridge.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
${spec}{{- end }}
`;
}
