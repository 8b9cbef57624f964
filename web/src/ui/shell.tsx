import { Languages, LogOut, Monitor, Moon, Radio, Settings, ShieldCheck, Sun } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { createContext, use, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { api } from "../api/client";
import type { Language } from "../i18n";
import { useT } from "../store/language";
import { useMe } from "../store/me";
import { prefer, usePreferences } from "../store/preferences";
import { ButtonLink } from "./button";
import { Avatar, Mark } from "./marks";

const trigger = "grid size-11 place-items-center rounded-full text-ink-2 transition hover:bg-raised hover:text-ink md:size-9";
const panel = "z-30 min-w-[190px] rounded-m border border-line bg-surface p-1.5 shadow-lg";
const item = "flex min-h-11 items-center gap-3 rounded-s px-3 text-m outline-none data-highlighted:bg-raised data-[state=checked]:font-semibold md:min-h-9";

/** Where menus are drawn: inside the header, so that they belong to a landmark. */
const Place = createContext<HTMLElement | null>(null);

function LanguageMenu() {
  const t = useT();
  const chosen = usePreferences().language ?? "system";
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={trigger} aria-label={t("nav.language")} title={t("nav.language")}>
        <Languages size={20} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={use(Place)}>
        <DropdownMenu.Content align="end" sideOffset={6} collisionPadding={8} className={panel}>
          <DropdownMenu.RadioGroup value={chosen} onValueChange={(value) => prefer({ language: value === "system" ? undefined : (value as Language) })}>
            <DropdownMenu.RadioItem value="system" className={item}>
              {t("language.system")}
            </DropdownMenu.RadioItem>
            <DropdownMenu.RadioItem value="ko" lang="ko" className={item}>
              한국어
            </DropdownMenu.RadioItem>
            <DropdownMenu.RadioItem value="en" lang="en" className={item}>
              English
            </DropdownMenu.RadioItem>
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function ThemeMenu() {
  const t = useT();
  const chosen = usePreferences().theme ?? "system";
  const icons = { system: Monitor, dark: Moon, light: Sun };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={trigger} aria-label={t("nav.theme")} title={t("nav.theme")}>
        {chosen === "dark" ? <Moon size={20} aria-hidden /> : <Sun size={20} aria-hidden />}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={use(Place)}>
        <DropdownMenu.Content align="end" sideOffset={6} collisionPadding={8} className={panel}>
          <DropdownMenu.RadioGroup value={chosen} onValueChange={(value) => prefer({ theme: value === "dark" || value === "light" ? value : undefined })}>
            {(["system", "dark", "light"] as const).map((theme) => {
              const Icon = icons[theme];
              return (
                <DropdownMenu.RadioItem key={theme} value={theme} className={item}>
                  <Icon size={16} aria-hidden />
                  {t(`theme.${theme}`)}
                </DropdownMenu.RadioItem>
              );
            })}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function AccountMenu() {
  const t = useT();
  const { me, setMe } = useMe();
  const [, navigate] = useLocation();
  if (me === undefined) return <span className="size-11 md:size-9" />;
  if (me === null) {
    return (
      <ButtonLink look="plain" href="/login">
        {t("nav.login")}
      </ButtonLink>
    );
  }
  const logout = () =>
    api.delete("/sessions/current").then(
      () => {
        setMe(null);
        navigate("/");
      },
      () => undefined,
    );
  const { account } = me;
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={trigger} aria-label={t("nav.account")} title={account.display_name}>
        <Avatar name={account.display_name || account.name} url={account.avatar_url} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={use(Place)}>
        <DropdownMenu.Content align="end" sideOffset={6} collisionPadding={8} className={panel}>
          <DropdownMenu.Label className="px-3 pt-1.5 pb-2">
            <div className="font-semibold">{account.display_name}</div>
            {account.name !== account.display_name && <div className="text-s text-ink-3">{account.name}</div>}
          </DropdownMenu.Label>
          <DropdownMenu.Item className={item} onSelect={() => navigate("/studio/live")}>
            <Radio size={16} aria-hidden />
            {t("nav.studio")}
          </DropdownMenu.Item>
          {account.role === "admin" && (
            <DropdownMenu.Item className={item} onSelect={() => navigate("/admin")}>
              <ShieldCheck size={16} aria-hidden />
              {t("nav.admin")}
            </DropdownMenu.Item>
          )}
          <DropdownMenu.Item className={item} onSelect={() => navigate("/settings")}>
            <Settings size={16} aria-hidden />
            {t("nav.settings")}
          </DropdownMenu.Item>
          <DropdownMenu.Item className={item} onSelect={() => void logout()}>
            <LogOut size={16} aria-hidden />
            {t("nav.logout")}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function TopBar() {
  const t = useT();
  const { me } = useMe();
  const [place, setPlace] = useState<HTMLElement | null>(null);
  return (
    <header ref={setPlace} className="flex h-14 items-center gap-1 border-b border-line bg-paper px-4 md:gap-2 md:px-5">
      <Link href="/" className="flex min-h-11 items-center gap-2.5 text-[1.0625rem] font-bold tracking-tight">
        <Mark />
        {t("site.name")}
      </Link>
      <span className="flex-1" />
      {me && (
        <Link href="/studio/live" className="inline-flex h-9 items-center rounded-full px-4 text-m font-semibold text-ink-2 transition hover:bg-raised hover:text-ink max-md:hidden">
          {t("nav.studio")}
        </Link>
      )}
      <Place value={place}>
        <LanguageMenu />
        <ThemeMenu />
        <AccountMenu />
      </Place>
    </header>
  );
}

/** Every page but the embed: skip link, top bar, main. */
export function Shell({ children, flush }: { children: ReactNode; flush?: boolean }) {
  const t = useT();
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#main" className="sr-only z-50 rounded-m bg-ink px-4 py-2 text-paper focus:not-sr-only focus:fixed focus:top-2 focus:left-2">
        {t("skip")}
      </a>
      <TopBar />
      <main id="main" tabIndex={-1} className={flush ? "flex-1 outline-none" : "mx-auto w-full max-w-[1320px] flex-1 px-4 py-6 outline-none md:px-5 md:py-8"}>
        {children}
      </main>
    </div>
  );
}
