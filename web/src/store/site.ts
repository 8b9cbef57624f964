import { api } from "../api/client";
import type { Site } from "../api/types";
import { initial } from "./initial";
import { useResource, type Resource } from "./resource";

/** What the site is and allows: from the page itself, else asked. */
export function useSite(): Resource<Site> {
  return useResource<Site>("site", () => api.get("/site"), { first: initial.site ?? null });
}
