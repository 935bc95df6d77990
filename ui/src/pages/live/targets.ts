// What an adaptive gap waits for of each device that has a thermometer, in words.
import type { CoolTarget, DeviceInfo, GapNow, Reading } from "../../api/bindings";
import type { Level } from "../../charts/levels";
import { THIN } from "../../lib/format";

/** One line for each such device; nothing of a gap that waits for no temperature. */
export function targetsOf(
  { targets }: Pick<GapNow, "targets">,
  devices: readonly Pick<DeviceInfo, "name" | "index">[],
  readings: readonly Pick<Reading, "temperature_c">[],
): string[] {
  const isAlone = targets.filter((target) => target !== null).length === 1;
  return targets.flatMap((target, at) => {
    if (target === null) return [];
    const now = readings[at]?.temperature_c ?? null;
    const text = waitingFor(target, now);
    if (isAlone) return [`${text.slice(0, 1).toUpperCase()}${text.slice(1)}`];
    const { name = `device ${at + 1}`, index = null } = devices[at] ?? {};
    return [`${name}${index === null ? "" : ` ${index}`}${now === null ? "" : `, ${degrees(now)}`}: ${text}`];
  });
}

/** The same as lines of a chart of temperatures. */
export function levelsOf({ targets }: Pick<GapNow, "targets">): Level[] {
  return targets.flatMap((target, device) =>
    target === null
      ? []
      : [{ device, value: target.cool_at_c, label: `cool at ${degrees(target.cool_at_c)}` }],
  );
}

function waitingFor({ reference_c, cool_at_c }: CoolTarget, now: number | null): string {
  return now !== null && now <= cool_at_c
    ? `cool, at ${degrees(cool_at_c)} or less: waiting until it is steady and idle`
    : `waiting for ${degrees(cool_at_c)}; it was ${degrees(reference_c)} before the first run`;
}

/** Thermometers have whole degrees, a tolerance may have a half: `37.5 °C`. */
function degrees(celsius: number): string {
  return `${Number(celsius.toFixed(1))}${THIN}°C`;
}
