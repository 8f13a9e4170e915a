import { z } from "zod";
import { choice } from "../../common/config/fields.ts";
import { dataKey, objectName } from "./fields.ts";

/** References to objects in the bridge's namespace. Secrets need the label that names the bridge. */
export const secretRef = z
  .strictObject({
    name: objectName().meta({ description: "the Secret's name", example: "lab-token" }),
    key: dataKey().meta({ description: "the key that holds the value", example: "token" }),
  })
  .meta({ typeName: "SecretReference" });

export const wholeSecretRef = z
  .strictObject({
    name: objectName().meta({ description: "the Secret's name", example: "clients" }),
  })
  .meta({ typeName: "WholeSecretReference" });

export const caRef = z
  .strictObject({
    kind: choice(["ConfigMap", "Secret"]).meta({
      description: "what holds it",
      example: "ConfigMap",
    }),
    name: objectName().meta({ description: "its name", example: "lab-ca" }),
    key: dataKey().meta({ description: "the key whose value is the PEM", example: "ca.crt" }),
  })
  .meta({ typeName: "CaReference" });

export const certificateRef = z
  .strictObject({
    name: objectName().meta({
      description: "a Secret of type kubernetes.io/tls",
      example: "lab-client",
    }),
  })
  .meta({ typeName: "CertificateReference" });
