// What the engine says may stand in a campaign: words for menus, and the range of each number.
import type { CampaignKeys } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";

/** Until the engine has told. */
const NO_KEYS: CampaignKeys = {
  structures: ["interleaved", "shuffled", "grouped", "reverse", "latin_square"],
  backends: [],
  shared: [],
  models: [],
  precisions: [],
  decoder_presets: [],
  datasets: [],
  ranges: {},
};

export function useCampaignKeys(): CampaignKeys {
  return useHostQuery("campaign-keys", [], (host) => host.campaignKeys()).data ?? NO_KEYS;
}
