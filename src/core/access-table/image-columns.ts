import type { ImageHeader } from "./image-header.ts";
import type { SectionName } from "./image-sections.ts";
import { type IndexArray, indexArrayOver } from "./index-array.ts";

/** The sections of an image as what they are: views, nothing is copied. */
export interface ImageColumns {
  readonly frame: Uint8Array;
  readonly userIds: Uint8Array;
  readonly userIdBlocks: Uint32Array;
  readonly userFlags: Uint8Array;
  readonly userProfiles: IndexArray;
  readonly userPassCounts: IndexArray;
  readonly profileStarts: Uint32Array;
  readonly profileRules: Uint32Array;
  readonly passIds: Uint8Array;
  readonly passIdBlocks: Uint32Array;
  readonly passRecords: Uint32Array;
  readonly passFineTimes: Float64Array;
  readonly passUses: Uint32Array;
  readonly passUseBlocks: Uint32Array;
  readonly keyCounts: Uint32Array;
  readonly keys: Uint8Array;
  readonly keySlots: Uint32Array;
}

/** Throws a RangeError where a section is not where the image says, or no whole number of elements. */
export function columnsOf(image: Uint8Array, { sections, counts }: ImageHeader): ImageColumns {
  const bytes = (name: SectionName): Uint8Array => {
    const place = sections[name];
    return new Uint8Array(image.buffer, image.byteOffset + place.at, place.bytes);
  };
  const words = (name: SectionName): Uint32Array => {
    const place = sections[name];
    return new Uint32Array(image.buffer, image.byteOffset + place.at, place.bytes / 4);
  };
  const narrow = (name: SectionName): IndexArray => indexArrayOver(bytes(name), counts.users);
  const fineTimes = sections.pass_fine_times;
  return {
    frame: bytes("frame"),
    userIds: bytes("user_ids"),
    userIdBlocks: words("user_id_blocks"),
    userFlags: bytes("user_flags"),
    userProfiles: narrow("user_profiles"),
    userPassCounts: narrow("user_pass_counts"),
    profileStarts: words("profile_starts"),
    profileRules: words("profile_rules"),
    passIds: bytes("pass_ids"),
    passIdBlocks: words("pass_id_blocks"),
    passRecords: words("pass_records"),
    passFineTimes: new Float64Array(
      image.buffer,
      image.byteOffset + fineTimes.at,
      fineTimes.bytes / 8,
    ),
    passUses: words("pass_uses"),
    passUseBlocks: words("pass_use_blocks"),
    keyCounts: words("key_counts"),
    keys: bytes("keys"),
    keySlots: words("key_slots"),
  };
}

/** The frame as JSON has it, not checked. Throws a SyntaxError, or a TypeError for what is no text. */
export function frameIn({ frame }: Pick<ImageColumns, "frame">): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame));
}
