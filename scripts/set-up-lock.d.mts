export declare function acquireLock(file: string, waiting: () => void): Promise<() => void>;
