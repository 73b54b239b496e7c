// SPDX-License-Identifier: Apache-2.0
import { useLocation } from "preact-iso";
import { refreshInfo, user } from "../../lib/session";
import { link } from "../../lib/url";
import { Sessions } from "../../parts/people";

export default function SessionsPage() {
  const { route } = useLocation();
  const userId = user.value?.user_id ?? 0;
  return (
    <Sessions userId={userId} onSelfEnded={async () => {
      user.value = null;
      await refreshInfo();
      route(link("/sign-in", { next: link("/account/sessions") }));
    }} />
  );
}
