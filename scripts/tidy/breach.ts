export interface Breach {
  /** Relative to the repository, with forward slashes. */
  readonly file: string;
  readonly line: number;
  readonly rule: RuleName;
  readonly found: string;
}

/** What each rule says, printed beside what breaks it. Exceptions name their rule by its key. */
export const rules = {
  rooms: "who may import whom is house.md, section 1",
  "room-unknown": "src has the rooms of house.md, section 1, and no others",
  "import-extension": "a relative import names its file, with .ts",
  io: "core, domain and protocols do no I/O: no file, socket, process, thread or timer module",
  sockets: "only compose opens sockets",
  "file-name": "files and folders are kebab-case, named for the one thing they export",
  "folder-name": "no utils, helpers, common, managers or types: name it for what it is about",
  barrel: "no index.ts inside src and hal",
  "file-length": "a file has at most 400 lines",
  environment: "only src/main.ts reads process.env and process.argv",
  clock: "core, domain and protocols read no clock and draw no chance: both are arguments",
  timer: "timers belong to implementations of Clock; everybody else sets an alarm",
  sleep: "no sleeps in tests: wait for what is to happen",
  console: "only main, cli and scripts write to a terminal",
  any: "no any",
  "non-null": "no non-null assertion: handle the undefined",
  enum: "no enum: a union of strings",
  "default-export": "no default export: a thing has one name",
  suppression: "a check is not silenced without its reason in the same comment",
  "coverage-ignore": "no coverage-ignore comments",
  "unused-exception": "an exception that nothing needs any more is taken out",
} as const;

export type RuleName = keyof typeof rules;

export function describeBreach({ file, line, rule, found }: Breach): string {
  return `${file}:${line}: ${found}\n    rule ${rule}: ${rules[rule]}`;
}
