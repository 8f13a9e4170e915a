import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { makeAuthority } from "../../helpers/certificates.ts";
import type { Scene } from "./scene.ts";

interface Review {
  readonly request: {
    readonly uid: string;
    readonly object: {
      readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec: {
        readonly template: {
          readonly spec: {
            readonly containers: readonly [
              { readonly image: string; readonly resources: { readonly limits?: object } },
            ];
          };
        };
      };
    };
  };
}

const mirror = "mirror.example/";

/**
 * A mutating admission webhook over HTTPS, for the Deployments of one namespace: it points images at
 * another registry, and adds a label and a limit, as platform teams have them.
 * @param removed a label that it takes away
 */
export async function startWebhook(
  { cluster, namespace }: Scene,
  removed?: string,
): Promise<AsyncDisposable> {
  const authority = await makeAuthority();
  const { certificate: cert, key } = await authority.issue();
  const server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      const { uid, object } = (JSON.parse(body) as Review).request;
      const [{ image, resources }] = object.spec.template.spec.containers;
      const container = "/spec/template/spec/containers/0";
      const hasRemoved = removed !== undefined && removed in (object.metadata.labels ?? {});
      const patch = [
        ...(hasRemoved
          ? [{ op: "remove", path: `/metadata/labels/${removed.replace("/", "~1")}` }]
          : []),
        { op: "add", path: "/metadata/labels/example.com~1cost-centre", value: "7" },
        {
          op: "replace",
          path: `${container}/image`,
          value: image.startsWith(mirror) ? image : mirror + image,
        },
        {
          op: "add",
          path: `${container}/resources/limits`,
          value: { ...resources.limits, cpu: "3", "ephemeral-storage": "1Gi" },
        },
      ];
      const answer = {
        uid,
        allowed: true,
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
      };
      const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
      response.end(JSON.stringify({ ...review, response: answer }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: namespace },
    webhooks: [
      {
        name: "mirror.example.com",
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.certificate).toString("base64"),
        },
        rules: [
          {
            apiGroups: ["apps"],
            apiVersions: ["v1"],
            resources: ["deployments"],
            operations: ["CREATE", "UPDATE"],
          },
        ],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  };
  await cluster.kubectl(["create", "--filename=-"], { input: JSON.stringify(configuration) });
  return {
    [Symbol.asyncDispose]: async () => {
      await cluster.kubectl(["delete", "mutatingwebhookconfiguration", namespace]);
      server.close();
      server.closeAllConnections();
    },
  };
}
