import type { ControllerId } from "../domain/ids.ts";
import { ControllerView, type TableSource } from "./controller-view.ts";
import type { SiteIndex } from "./site-index.ts";

/** The tables of all controllers as one state of the site has them. */
export class SiteView {
  readonly index: SiteIndex;
  readonly #source: TableSource;
  readonly #views = new Map<ControllerId, ControllerView>();

  constructor(source: TableSource) {
    this.index = source.index;
    this.#source = source;
  }

  /** One without a door is seen with nothing and nobody, so that its old table opens nothing. */
  at(controller: ControllerId): ControllerView {
    const known = this.#views.get(controller);
    if (known !== undefined) return known;
    const view = new ControllerView(this.#source, controller);
    this.#views.set(controller, view);
    return view;
  }
}
