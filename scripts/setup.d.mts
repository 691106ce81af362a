/** See setup.mjs, which is JavaScript because it runs before anything is installed. */
export declare const repositoryRoot: string;
export declare class SetUpError extends Error {}
export declare function setUp(options: {
  readonly build: boolean;
  readonly root?: string;
}): Promise<void>;
export declare function setUpOrExit(options: { readonly build: boolean }): Promise<void>;
export declare function nodeComplaint(version: string): string | undefined;
export declare function installEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export declare function installFailure(failure: {
  readonly output: string;
  readonly missing: readonly string[];
}): string;
export declare function missingBuildTools(searchPath?: string): string[];
