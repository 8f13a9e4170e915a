import { isIP } from "node:net";
import { type Endpoint, isKnownHost } from "../../common/probe/endpoint.ts";
import type { Report } from "../../common/probe/report.ts";

/** Where kubelet tells a pod what it needs. */
export interface Surroundings {
  /** The text of /etc/resolv.conf. */
  readonly resolvConf: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Hosts = Report["hosts"];

/** What a pod finds the known hosts to be; those that it is not told are left out. */
export function findHosts({ resolvConf, env }: Surroundings): Hosts {
  const dns = /^nameserver\s+(\S+)/m.exec(resolvConf)?.[1];
  const apiServer = env["KUBERNETES_SERVICE_HOST"];
  return {
    ...(dns !== undefined && isIP(dns) !== 0 && { dns }),
    ...(apiServer !== undefined && isIP(apiServer) !== 0 && { "api-server": apiServer }),
  };
}

/** @returns undefined where the host is not known */
export function resolveEndpoint(endpoint: Endpoint, hosts: Hosts): Endpoint | undefined {
  if (!isKnownHost(endpoint.host)) return endpoint;
  const host = hosts[endpoint.host];
  return host === undefined ? undefined : { ...endpoint, host };
}
