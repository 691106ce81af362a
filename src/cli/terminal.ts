/** Where a command's words go. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The command cannot do what was asked; `message` says why, to a person. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  /** 1: it was asked rightly and did not work. 2: it was asked wrongly. */
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
