import { useT } from "../store/language";
import type { useFollow } from "../store/follow";
import { Button, ButtonLink } from "../ui/button";

/** Follow, or follow no more; a guest is led to the sign-in and back. `quiet` beside a button that matters more. */
export function FollowButton({ slug, following: { standing, signedIn, follow }, quiet }: { slug: string; following: ReturnType<typeof useFollow>; quiet?: boolean }) {
  const t = useT();
  const look = quiet ? "plain" : "primary";
  if (!standing) return null;
  if (!signedIn) {
    return (
      <ButtonLink look={look} href={`/login?next=${encodeURIComponent(`/@${slug}`)}`}>
        {t("watch.follow")}
      </ButtonLink>
    );
  }
  return (
    <Button look={standing.following ? "plain" : look} aria-pressed={standing.following} onClick={() => void follow(!standing.following).catch(() => undefined)}>
      {t(standing.following ? "watch.following" : "watch.follow")}
    </Button>
  );
}
