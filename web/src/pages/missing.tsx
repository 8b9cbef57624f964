import { useT } from "../store/language";
import { ButtonLink } from "../ui/button";
import { Mark } from "../ui/marks";
import { Shell } from "../ui/shell";
import { Notice } from "../ui/states";
import { useTitle } from "../ui/title";

/** 404. */
export function Missing() {
  const t = useT();
  useTitle(t("notfound.title"));
  return (
    <Shell>
      <Notice page icon={<Mark />} title={t("notfound.title")} action={<ButtonLink href="/" look="primary">{t("notfound.home")}</ButtonLink>}>
        {t("notfound.text")}
      </Notice>
    </Shell>
  );
}
