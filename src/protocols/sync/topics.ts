import { type ControllerId, controllerId, isId, type SiteId } from "../../domain/ids.ts";

/** The `1` is the version of everything below it. */
const root = "postern/1";

/** Where one controller and its site speak. Only `status` and `tableHead` are retained. */
export interface ControllerTopics {
  /** Controller, also as its will. JSON, see status-message.ts. */
  readonly status: string;
  /** Site, retained. See table-head.ts. */
  readonly tableHead: string;
  /** Site, QoS 1. See table-delta.ts. */
  readonly tableDelta: string;
  /** Controller. See table-get.ts. */
  readonly tableGet: string;
  /** Site. See snapshot-manifest.ts. */
  readonly tableManifest: string;
  /** Site. See snapshot-chunk.ts. */
  readonly tableChunk: string;
  /** Controller. See table-ack-message.ts. */
  readonly tableAck: string;
  /** Controller, QoS 1. See event-message.ts. */
  readonly event: string;
  /** Site. See ack-message.ts. */
  readonly eventAck: string;
  /** Site. See command-offer.ts. */
  readonly commandAsk: string;
  /** Controller. See command-offer.ts. */
  readonly commandOffer: string;
  /** Site, QoS 1. See site-command.ts. */
  readonly command: string;
  /** Controller, QoS 1. See command-answer.ts. */
  readonly commandAnswer: string;
}

function topicsUnder(base: string): ControllerTopics {
  return {
    status: `${base}/status`,
    tableHead: `${base}/table/head`,
    tableDelta: `${base}/table/delta`,
    tableGet: `${base}/table/get`,
    tableManifest: `${base}/table/manifest`,
    tableChunk: `${base}/table/chunk`,
    tableAck: `${base}/table/ack`,
    event: `${base}/event`,
    eventAck: `${base}/event/ack`,
    commandAsk: `${base}/command/ask`,
    commandOffer: `${base}/command/offer`,
    command: `${base}/command`,
    commandAnswer: `${base}/command/answer`,
  };
}

export function topicsFor(site: SiteId, controller: ControllerId): ControllerTopics {
  return topicsUnder(`${root}/${site}/c/${controller}`);
}

/** Site, retained, for all its controllers. See key-hand-over.ts. */
export function siteKeyTopic(site: SiteId): string {
  return `${root}/${site}/key`;
}

/** The same topics of every controller of a site, as subscription filters. */
export function filtersForSite(site: SiteId): ControllerTopics {
  return topicsUnder(`${root}/${site}/c/+`);
}

/** Which controller a topic below a site is about, or undefined where it is nobody's. */
export function controllerOfTopic(site: SiteId, topic: string): ControllerId | undefined {
  const prefix = `${root}/${site}/c/`;
  if (!topic.startsWith(prefix)) return undefined;
  const [id] = topic.slice(prefix.length).split("/", 1);
  return id !== undefined && isId(id) ? controllerId(id) : undefined;
}
