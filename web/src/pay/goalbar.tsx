import type { components } from "../api/schema";
import { money } from "../i18n/money";
import { useLanguage } from "../store/language";

/** How far a goal is. */
export function GoalBar({ goal, className = "" }: { goal: components["schemas"]["Goal"]; className?: string }) {
  const { t, language } = useLanguage();
  const share = goal.amount > 0 ? Math.min(100, Math.round((goal.reached / goal.amount) * 100)) : 0;
  return (
    <div className={className}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-3 text-s">
        <span className="min-w-0 font-semibold break-words">{goal.title}</span>
        <span className="num text-ink-2">{t("chat.goal.of", { reached: money(language, goal.reached, goal.currency), amount: money(language, goal.amount, goal.currency) })}</span>
      </div>
      <div role="progressbar" aria-label={goal.title} aria-valuenow={share} aria-valuemin={0} aria-valuemax={100} className="mt-1 h-1.5 overflow-hidden rounded-full bg-line">
        <div className="h-full rounded-full bg-money transition-[width]" style={{ width: `${share}%` }} />
      </div>
    </div>
  );
}
