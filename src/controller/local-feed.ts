/** What one client of the local socket is told bit by bit, as it takes it. */
export interface LocalFeed {
  /** The next thing to tell, or undefined while there is none. */
  take(): unknown;
  /** Called when there may be something to take again. One listener. */
  onNews(listener: () => void): void;
  /** Nothing more is noted. Safe to call twice. */
  close(): void;
}
