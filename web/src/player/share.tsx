import { Share2 } from "lucide-react";
import { useT } from "../store/language";
import { Button } from "../ui/button";
import { CodeField, CopyButton } from "../ui/copy";
import { Dialog } from "../ui/dialog";

type Props = { open: boolean; onClose: () => void; name: string; title: string; watch: string; embed: string; qr: string };

/** The code that shows the player in another page. */
export function embedCode(embed: string, title: string): string {
  const quoted = title.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<iframe src="${embed}" title="${quoted}" width="640" height="360" allow="autoplay; fullscreen; picture-in-picture" style="border:0"></iframe>`;
}

export function Share({ open, onClose, name, title, watch, embed, qr }: Props) {
  const t = useT();
  const code = embedCode(embed, title || name);
  return (
    <Dialog open={open} onClose={onClose} title={t("share.title")}>
      <div className="flex flex-col gap-2">
        <CodeField label={t("share.link")} value={watch}>
          <CopyButton what={t("share.link")} text={watch} />
        </CodeField>
        <CodeField label={t("share.embed")} value={code}>
          <CopyButton what={t("share.embed")} text={code} />
        </CodeField>
      </div>
      <img src={qr} alt={t("share.qr")} className="mx-auto mt-5 size-44 rounded-m bg-white" />
      {"share" in navigator && (
        <div className="mt-5 text-center">
          <Button icon={<Share2 size={17} aria-hidden />} onClick={() => void navigator.share({ title: title || name, url: watch }).catch(() => undefined)}>
            {t("share.native")}
          </Button>
        </div>
      )}
    </Dialog>
  );
}
