import { ChevronDown, Eye, EyeOff } from "lucide-react";
import { useId, useState, type ComponentProps, type ReactNode } from "react";
import { useT } from "../store/language";
import { classes } from "./classes";

const box = "w-full rounded-m border border-edge bg-surface px-3.5 text-base text-ink placeholder:text-ink-3 disabled:opacity-60";

type FieldProps = { label: string; hint?: ReactNode; error?: string | null; children: (props: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode };

/** A label, a control, and under it a hint or what is wrong. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const told = error ?? hint;
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-m font-semibold">
        {label}
      </label>
      {children({ id, ...(told ? { "aria-describedby": `${id}-told` } : {}), ...(error ? { "aria-invalid": true } : {}) })}
      {told && (
        <p id={`${id}-told`} role={error ? "alert" : undefined} className={classes("text-s", error ? "text-live" : "text-ink-3")}>
          {told}
        </p>
      )}
    </div>
  );
}

type TextProps = Omit<ComponentProps<"input">, "onChange" | "value"> & { label: string; hint?: ReactNode; error?: string | null | undefined; value: string; onText: (text: string) => void };

export function TextField({ label, hint, error, value, onText, className, ...rest }: TextProps) {
  return (
    <Field label={label} hint={hint} error={error ?? null}>
      {(props) => <input value={value} onChange={(event) => onText(event.target.value)} className={classes(box, "h-11", className)} {...rest} {...props} />}
    </Field>
  );
}

/** A password with a button that shows it. */
export function PasswordField({ label, hint, error, value, onText, ...rest }: TextProps) {
  const t = useT();
  const [shown, setShown] = useState(false);
  return (
    <Field label={label} hint={hint} error={error ?? null}>
      {(props) => (
        <span className="relative block">
          <input type={shown ? "text" : "password"} value={value} onChange={(event) => onText(event.target.value)} className={classes(box, "h-11 pr-12")} {...rest} {...props} />
          <button
            type="button"
            aria-label={t(shown ? "password.hide" : "password.show")}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
            className="absolute top-0 right-0 grid size-11 place-items-center rounded-m text-ink-3 hover:text-ink"
          >
            {shown ? <EyeOff size={18} aria-hidden /> : <Eye size={18} aria-hidden />}
          </button>
        </span>
      )}
    </Field>
  );
}

export function AreaField({ label, value, onText, rows = 4, ...rest }: { label: string; value: string; onText: (text: string) => void; rows?: number; maxLength?: number; disabled?: boolean }) {
  return (
    <Field label={label}>
      {(props) => <textarea rows={rows} value={value} onChange={(event) => onText(event.target.value)} className={classes(box, "py-2.5")} {...rest} {...props} />}
    </Field>
  );
}

type Choice = readonly [value: string, label: string];
type SelectProps = { label: string; hint?: ReactNode; value: string; options: readonly Choice[]; onPick: (value: string) => void; disabled?: boolean };

/** The browser's own list behind a face of ours. */
export function Select({ options, onPick, className, ...rest }: { options: readonly Choice[]; onPick: (value: string) => void } & Omit<ComponentProps<"select">, "onChange">) {
  return (
    <span className="relative block min-w-0">
      <select onChange={(event) => onPick(event.target.value)} className={classes("appearance-none truncate pr-9!", className)} {...rest}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <ChevronDown size={16} aria-hidden className="pointer-events-none absolute top-1/2 right-3 -translate-y-1/2 text-ink-3" />
    </span>
  );
}

export function SelectField({ label, hint, value, options, onPick, disabled }: SelectProps) {
  return (
    <Field label={label} hint={hint}>
      {(props) => <Select value={value} disabled={disabled} options={options} onPick={onPick} className={classes(box, "h-11")} {...props} />}
    </Field>
  );
}

/** A select without a visible label, for tables. */
export function SmallSelect({ label, value, options, onPick, disabled }: SelectProps) {
  return (
    <Select
      aria-label={label}
      value={value}
      disabled={disabled}
      options={options}
      onPick={onPick}
      className="h-11 w-full rounded-m border border-edge bg-surface px-3 text-m disabled:opacity-60 md:h-9"
    />
  );
}

/** What went wrong with a whole form. */
export function FormError({ children }: { children: ReactNode }) {
  if (!children) return null;
  return (
    <p role="alert" className="rounded-m bg-live-soft px-3.5 py-2.5 text-m text-live">
      {children}
    </p>
  );
}
