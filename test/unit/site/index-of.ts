import { SiteIndex } from "../../../src/site/site-index.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import { modelDifference } from "./model-difference.ts";

/** Made from the whole model at once. */
export function indexOf(model: SiteModel): SiteIndex {
  const index = new SiteIndex(model.site);
  index.fill(modelDifference(undefined, model, 1));
  return index;
}
