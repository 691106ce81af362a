import type { PosturePlace, UnlockRule } from "../../../src/core/posture.ts";
import type { DoorPosture } from "../../../src/domain/access.ts";
import type { PassId } from "../../../src/domain/ids.ts";
import { epochMs, type WallTime } from "../../../src/domain/time.ts";

const hourMs = 3_600_000;

/**
 * What a door's posture should be, told from what was done to it and by counting hours. Its place has
 * schedules that change on the hour and no more from `hoursMax` on.
 */
export class PostureDiary {
  private readonly place: PosturePlace;
  private readonly hoursMax: number;
  private overridden: { readonly posture: DoorPosture; readonly untilHour: number } | undefined;
  private firstInUntilHour = -1;
  private toggledBy: PassId | undefined;

  constructor(place: PosturePlace, hoursMax: number) {
    this.place = place;
    this.hoursMax = hoursMax;
  }

  posture(wall: WallTime): string {
    const hour = wall.quality === "unknown" ? undefined : wall.at / hourMs;
    const { overridden } = this;
    if (overridden !== undefined) {
      const isTemporary = overridden.untilHour !== Infinity;
      const isShut = ["lockdown", "disabled"].includes(this.place.settings.posture);
      const bars =
        overridden.posture === "disabled" || (overridden.posture === "locked" && !isShut);
      const isOn = hour === undefined ? !isTemporary || bars : hour < overridden.untilHour;
      if (isOn) return `${overridden.posture} by operator`;
    }
    const site = this.place.settings.posture;
    if (site !== "locked") return `${site} by site`;
    if (this.open("auto_unlock", hour).length > 0) return "unlocked by schedule";
    if (hour !== undefined && hour < this.firstInUntilHour) return "unlocked by first_person_in";
    return this.toggledBy === undefined ? "locked by site" : "unlocked by toggle";
  }

  /** What is known to be over does not come back when the time is lost. */
  settle(wall: WallTime): void {
    if (wall.quality === "unknown" || this.overridden === undefined) return;
    if (wall.at / hourMs >= this.overridden.untilHour) this.overridden = undefined;
  }

  clear(): void {
    this.overridden = undefined;
    this.toggledBy = undefined;
  }

  override(
    request: { readonly posture: DoorPosture; readonly until: "cleared" | "next_change" },
    wall: WallTime,
  ): void {
    const { posture, until } = request;
    let untilHour = Infinity;
    if (until === "next_change") {
      if (posture === "lockdown" || wall.quality === "unknown") return;
      const now = wall.at / hourMs;
      for (untilHour = now; this.word(untilHour) === this.word(now); untilHour += 1) {
        if (untilHour > this.hoursMax) return;
      }
    }
    this.overridden = { posture, untilHour };
    if (posture !== "lockdown" && posture !== "disabled") return;
    this.firstInUntilHour = -1;
    this.toggledBy = undefined;
  }

  grant(
    { user, pass, toggles }: { readonly user: number; readonly pass: PassId; toggles: boolean },
    wall: WallTime,
  ): void {
    const before = this.posture(wall);
    if (before.startsWith("lockdown") || before.startsWith("disabled")) return;
    if (toggles && before === "unlocked by toggle" && this.toggledBy === pass) {
      this.toggledBy = undefined;
      return;
    }
    const now = wall.quality === "unknown" ? undefined : wall.at / hourMs;
    for (const rule of this.open("first_person_in", now)) {
      if (now === undefined || !rule.isFor(user)) continue;
      let untilHour = now;
      while (untilHour <= this.hoursMax && rule.schedule?.isOpen(epochMs(untilHour * hourMs))) {
        untilHour += 1;
      }
      this.firstInUntilHour = Math.max(this.firstInUntilHour, untilHour);
    }
    if (toggles && this.posture(wall) === "locked by site") this.toggledBy = pass;
  }

  private open(kind: UnlockRule["kind"], hour: number | undefined): readonly UnlockRule[] {
    return this.place.rules.filter((rule) => {
      if (rule.kind !== kind) return false;
      if (rule.schedule === undefined) return kind === "auto_unlock";
      return hour !== undefined && rule.schedule.isOpen(epochMs(hour * hourMs));
    });
  }

  /** What the schedules alone say of the door in that hour. */
  private word(hour: number): string {
    if (this.open("auto_unlock", hour).length > 0) return "unlocked";
    return this.open("first_person_in", hour).length > 0 ? "for the first person" : "nothing";
  }
}
