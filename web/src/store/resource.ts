import { useCallback, useEffect, useRef, useState } from "react";

export type Resource<Value> = {
  value: Value | null;
  error: unknown;
  loading: boolean;
  reload: () => void;
  /** Puts in place what an answer said, without asking again. */
  put: (value: Value) => void;
};

/**
 * What `load` brings, loaded again when `key` changes, every `everyMs` while the page is seen, and on `reload`.
 * An old value stays while a new one loads; an error is shown only where there is no value.
 */
export function useResource<Value>(key: string, load: () => Promise<Value>, options: { first?: Value | null; everyMs?: number } = {}): Resource<Value> {
  const [state, setState] = useState<{ key: string; value: Value | null; error: unknown }>({ key, value: options.first ?? null, error: null });
  const [turn, setTurn] = useState(0);
  const loader = useRef(load);
  const fresh = useRef(options.first !== undefined && options.first !== null);
  useEffect(() => {
    loader.current = load;
  });
  useEffect(() => {
    let current = true;
    if (fresh.current) {
      fresh.current = false;
      return undefined;
    }
    loader.current().then(
      (value) => current && setState({ key, value, error: null }),
      (error: unknown) => current && setState((before) => ({ key, value: before.key === key ? before.value : null, error })),
    );
    return () => {
      current = false;
    };
  }, [key, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const put = useCallback((value: Value) => setState({ key, value, error: null }), [key]);
  useEffect(() => {
    if (!options.everyMs) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), options.everyMs);
    return () => clearInterval(timer);
  }, [options.everyMs, reload]);
  const { value, error } = state.key === key ? state : { value: null, error: null };
  return { value, error, loading: value === null && error === null, reload, put };
}
