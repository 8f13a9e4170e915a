import { formatAddress, type Address } from "./config/fields.ts";
import type { Logger } from "./log/logger.ts";

/** What a launched program tells its launcher: an address that it listens on. */
export interface Announcement {
  readonly listener: string;
  /** `host:port`, with the port that the system picked where 0 was asked for. */
  readonly address: string;
}

export function announce(log: Logger, listener: string, address: Address): void {
  const announcement: Announcement = { listener, address: formatAddress(address) };
  log.info(announcement, "listening");
  process.send?.(announcement);
}
