/** How wrong a clock may be that passes and schedules are judged by. */
export const clockErrorMsMax = 10 * 60_000;
