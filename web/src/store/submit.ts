import { useCallback, useState } from "react";
import { ApiError } from "../api/client";

export type Submission = {
  busy: boolean;
  error: unknown;
  /** The code of what is wrong with a field, or null. */
  fault: (field: string) => string | null;
  /** Runs `work` once at a time; answers whether it went well. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
};

/** The state of one form: busy, and what the server said no to. */
export function useSubmit(): Submission {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const run = useCallback(async (work: () => Promise<unknown>) => {
    setState({ busy: true, error: null });
    try {
      await work();
      setState({ busy: false, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    }
  }, []);
  const clear = useCallback(() => setState({ busy: false, error: null }), []);
  const fields = state.error instanceof ApiError ? state.error.fields : [];
  const fault = (field: string) => fields.find((each) => each.field === field)?.code ?? null;
  return { ...state, fault, run, clear };
}
