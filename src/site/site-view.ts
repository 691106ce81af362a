import type { ControllerId } from "../domain/ids.ts";
import { ControllerView, type TableSource } from "./controller-view.ts";
import type { SiteState } from "./site-state.ts";

/** The tables of all controllers as one state of the site has them: for as long as it is that state. */
export class SiteView {
  readonly state: SiteState;
  readonly #source: TableSource;
  readonly #views = new Map<ControllerId, ControllerView>();

  constructor(source: TableSource) {
    this.state = source.state;
    this.#source = source;
  }

  at(controller: ControllerId): ControllerView {
    const known = this.#views.get(controller);
    if (known !== undefined) return known;
    const view = new ControllerView(this.#source, controller);
    this.#views.set(controller, view);
    return view;
  }
}
