import { useSyncExternalStore } from "react";
import { followPreferences, preferences, type Preferences } from "./chosen";

export { loudness, prefer, preferences, type Preferences } from "./chosen";

export function usePreferences(): Preferences {
  return useSyncExternalStore(followPreferences, preferences);
}
