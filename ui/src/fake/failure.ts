// Failures as the engine words them.
import type { ErrorCode } from "../api/bindings";
import { HostError } from "../api/host";

export function failure(code: ErrorCode, message: string, hint: string | null = null): HostError {
  return new HostError({ code, message, hint });
}
