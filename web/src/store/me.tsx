import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { api, ApiError } from "../api/client";
import type { Me } from "../api/types";
import { initial } from "./initial";

type Signed = {
  /** Undefined until known; null for a guest. */
  me: Me | null | undefined;
  setMe: (me: Me | null) => void;
  reload: () => void;
};

const Context = createContext<Signed>({ me: undefined, setMe: () => undefined, reload: () => undefined });

/** Who is signed in: from the page itself, else asked. */
export function MeProvider({ children }: { children: ReactNode }) {
  const [me, setMe] = useState<Me | null | undefined>(initial.me);
  const reload = useCallback(() => {
    api.get<Me>("/me").then(setMe, (error: unknown) => {
      if (error instanceof ApiError && error.status === 401) setMe(null);
    });
  }, []);
  useEffect(() => {
    if (initial.me === undefined) reload();
  }, [reload]);
  const value = useMemo(() => ({ me, setMe, reload }), [me, reload]);
  return <Context value={value}>{children}</Context>;
}

export function useMe(): Signed {
  return use(Context);
}
