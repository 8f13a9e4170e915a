import { parseArgs } from "node:util";
import { parseAddress } from "../../common/config/fields.ts";
import { ConfigError } from "../../common/errors.ts";
import { createLogger } from "../../common/log/logger.ts";
import { readPair } from "../../common/secretFiles.ts";
import { runUntilSignal } from "../../common/shutdown.ts";
import { startAppliance } from "./server.ts";

const log = createLogger("simulated appliance", "info");

await runUntilSignal(log, async () => {
  const { values } = parseArgs({
    options: {
      listen: { type: "string", default: "127.0.0.1:7766" },
      certificate: { type: "string", default: "" },
      key: { type: "string", default: "" },
    },
  });
  const address = parseAddress(values.listen);
  if (address === undefined) throw new ConfigError("--listen: must be an IP address and a port");
  return startAppliance({ address, ...(await readPair(values.certificate, values.key)), log });
});
