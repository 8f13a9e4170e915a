import { BridgeError } from "../common/errors.ts";

/** The machine is not as `npm start` needs it: a port is taken, a child ended. Exit code 1. */
export class LaunchError extends BridgeError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_LAUNCH", message, options);
  }
}
