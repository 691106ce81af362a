/**
 * The sections of an image, in their order, and how wide their elements are. `narrow`: 1, 2 or 4
 * bytes, whichever hold the largest number that may stand there. README.md says what is in them.
 */
export const imageSections = [
  { name: "frame", element: "u8" },
  { name: "user_ids", element: "u8" },
  { name: "user_id_blocks", element: "u32" },
  { name: "user_flags", element: "u8" },
  { name: "user_profiles", element: "narrow" },
  { name: "user_pass_counts", element: "narrow" },
  { name: "profile_starts", element: "u32" },
  { name: "profile_rules", element: "u32" },
  { name: "pass_ids", element: "u8" },
  { name: "pass_id_blocks", element: "u32" },
  { name: "pass_records", element: "u32" },
  { name: "pass_fine_times", element: "f64" },
  { name: "pass_uses", element: "u32" },
  { name: "pass_use_blocks", element: "u32" },
  { name: "key_counts", element: "u32" },
  { name: "keys", element: "u8" },
  { name: "key_slots", element: "u32" },
] as const satisfies readonly {
  readonly name: string;
  readonly element: "u8" | "u32" | "f64" | "narrow";
}[];

export type SectionName = (typeof imageSections)[number]["name"];
export type SectionBytes = Readonly<Record<SectionName, Uint8Array>>;
