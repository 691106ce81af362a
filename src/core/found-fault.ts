/**
 * A start tells nothing (behaviour 32), so a wire that was found at fault then is told this much
 * later, unless it was sound again before: who cuts the power first must not hide a cut wire.
 */
export const foundFaultTellMs = 1_000;
