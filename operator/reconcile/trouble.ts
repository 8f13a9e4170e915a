import { BridgeError, ConfigError } from "../../common/errors.ts";
import { hasCode, type ApiError } from "../api/errors.ts";
import type { ApiCall } from "../api/resources.ts";

/** Why a bridge cannot be brought into order before somebody does something. */
export const stallReasons = [
  "InvalidSpec",
  "EgressUnknown",
  "CertManagerMissing",
  "ReferenceMissing",
  "ReferenceNotLabelled",
  "SecretUnusable",
  "NameTaken",
  "MissingGrant",
  "Refused",
] as const;
export type StallReason = (typeof stallReasons)[number];

/** Its message says what, where, and what to do; it is shown in the bridge's status. */
export class StalledError extends BridgeError {
  readonly reason: StallReason;
  /** Seconds to the next look, where no watch tells that it was put right. */
  readonly lookAgain: number | undefined;

  constructor(reason: StallReason, message: string, lookAgain?: number) {
    super("ERR_STALLED", message);
    this.reason = reason;
    this.lookAgain = lookAgain;
  }
}

/** Something of that name is on its way out; soon there is room. */
export class BeingDeletedError extends BridgeError {
  /** @param what such as `Secret lab-signing` */
  constructor(what: string) {
    super("ERR_BEING_DELETED", `${what} is being deleted; waits until it is gone`);
  }
}

/** Seconds. */
const grantAgain = 10;
const refusedAgain = 60;

/** What of an error waits for somebody; undefined for what trying again may help. */
export function stalledBy(error: unknown): StalledError | undefined {
  if (error instanceof StalledError) return error;
  if (error instanceof ConfigError) return new StalledError("SecretUnusable", error.message);
  if (hasCode(error, "ERR_API_FORBIDDEN")) return refusedByRbac(error);
  if (hasCode(error, "ERR_API_INVALID")) return refusedAsInvalid(error);
  return undefined;
}

/** Not all that is forbidden is so by RBAC: admission (quota, policies) says 403 as well. */
function refusedByRbac(error: ApiError): StalledError {
  const { call, text = "" } = error;
  if (call === undefined || !text.includes(" cannot ")) return refusedAsInvalid(error);
  // An apply that creates is a patch that asks for create as well: the API server says which lacks.
  const verb = / cannot (\S+) resource /.exec(text)?.[1] ?? call.verb;
  return new StalledError("MissingGrant", describeGrant({ ...call, verb }), grantAgain);
}

/** Such as `the operator may not patch deployments.apps in physics: …`. */
export function describeGrant({
  verb,
  resource,
  subresource,
  namespace,
}: Omit<ApiCall, "verb"> & { readonly verb: string }): string {
  const { group, plural } = resource;
  const part = subresource === undefined ? plural : `${plural}/${subresource}`;
  const name = group === "" ? part : `${part}.${group}`;
  const where = namespace === undefined ? "the cluster" : `namespace ${namespace}`;
  return (
    `the operator may not ${verb} ${name} in ${where}: add to its Role there ` +
    `{apiGroups: ["${group}"], resources: ["${part}"], verbs: ["${verb}"]}, ` +
    "as the chart has it"
  );
}

/** What the API server says may quote the object, so it is not shown for Secrets. */
function refusedAsInvalid({ call, text = "", message }: ApiError): StalledError {
  const isSecret = call?.resource.kind === "Secret";
  return new StalledError("Refused", isSecret ? message : `${message}: ${text}`, refusedAgain);
}
