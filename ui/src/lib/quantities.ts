// The quantities that devices report over time, with their units.
import type { DeviceInfo } from "../api/bindings";
import type { TraceChannel } from "../api/trace";

export type Quantity = { channel: TraceChannel; label: string; unit: string };

const ALL: readonly Quantity[] = [
  { channel: "power", label: "Power", unit: "W" },
  { channel: "temperature", label: "Temperature", unit: "°C" },
  { channel: "memory_temperature", label: "Memory temperature", unit: "°C" },
  { channel: "sm_clock", label: "SM clock", unit: "MHz" },
  { channel: "memory_clock", label: "Memory clock", unit: "MHz" },
  { channel: "utilization", label: "Utilization", unit: "%" },
  { channel: "memory_utilization", label: "Memory utilization", unit: "%" },
  { channel: "memory_used", label: "Memory used", unit: "B" },
];

/** What at least one of the devices reports. */
export function quantities(devices: readonly DeviceInfo[]): Quantity[] {
  return ALL.filter(({ channel }) => devices.some((device) => device.channels.includes(channel)));
}
