/** What preparing a subject's files says of them. */
export interface Prepared {
  /** Making them of the site's passes and users, as a site would. */
  readonly builtMs: number;
  /** Of the file that is loaded. */
  readonly fileBytes: number;
}
