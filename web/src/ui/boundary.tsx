import { Component, type ReactNode } from "react";
import { browserLanguage, translator } from "../i18n";
import { preferences } from "../store/preferences";
import { Button } from "./button";
import { Notice } from "./states";

/** Our own bug: says so and offers a fresh start, instead of an empty page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const t = translator(preferences().language ?? browserLanguage(navigator.languages));
    return (
      <main>
        <Notice page title={t("error.title")} action={<Button onClick={() => location.reload()}>{t("retry")}</Button>}>
          {t("error.text")}
        </Notice>
      </main>
    );
  }
}
