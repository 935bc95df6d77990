// The campaign builder: form left, plan right; the YAML behind the form is the one truth.
import { Alert, Box, Grid, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";

import type { CampaignText, Diagnostic, PlanPreview } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Loading, Page } from "../../components/Page";
import { useUnsavedQuestion } from "../../components/unsaved";
import { ViewSwitch } from "../../components/ViewSwitch";
import { CampaignForm } from "../../forms/campaign/CampaignForm";
import { dataOf, unreadable, withValue } from "../../forms/campaign/document";
import { useCampaignKeys } from "../../forms/campaign/keys";
import { fieldOf, LensContext, type Lens } from "../../forms/campaign/lens";
import { BuilderActions } from "./BuilderActions";
import { PlanPanel } from "./PlanPanel";
import { takeUnsaved } from "./unsaved";

const YamlEditor = lazy(() => import("../../components/YamlEditor"));
const NO_PROBLEMS: Diagnostic[] = [];

export function BuilderPage() {
  const { path = null } = useSearch({ from: "/campaigns/edit" });
  const [unsaved] = useState(takeUnsaved);
  const file = useHostQuery("campaign-files", ["text", path], (host) => {
    if (path !== null) return host.openCampaign(path);
    return unsaved === null ? host.newCampaign() : Promise.resolve({ path: null, text: unsaved });
  });
  if (file.error) {
    return (
      <Page title="Campaign">
        <ErrorNotice error={file.error} onRetry={() => void file.refetch()} />
      </Page>
    );
  }
  if (file.data === undefined || file.isPlaceholderData) {
    return (
      <Page title="Campaign" ready={false}>
        <Loading what="Opening the campaign" />
      </Page>
    );
  }
  return <Builder key={path ?? "new"} file={file.data} />;
}

function Builder({ file }: { file: CampaignText }) {
  const [saved, setSaved] = useState(file);
  const [text, setText] = useState(file.text);
  const [asText, setAsText] = useState(false);
  const [settled] = useDebouncedValue(text, 250);
  const plan = useHostQuery("plan", [saved.path, settled], (host) => host.plan(saved.path, settled));
  const changed = text !== saved.text;
  useUnsavedQuestion(changed, "the campaign");
  const show = (finding: Diagnostic) => {
    const field = finding.field === null ? null : fieldOf(finding.field);
    if (field === null) return setAsText(true);
    field.scrollIntoView({ block: "center", behavior: "smooth" });
    field.focus();
  };
  const own = plan.data?.problems.filter(
    (problem) => problem.file === null || problem.file === (saved.path ?? "new campaign"),
  );
  return (
    <Page
      title={saved.path ?? "New campaign"}
      actions={
        <BuilderActions
          saved={saved}
          text={text}
          canRun={plan.data?.can_run === true && settled === text}
          onSaved={setSaved}
          onText={setText}
        />
      }
    >
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Box mb="sm">
            <ViewSwitch asText={asText} onChange={setAsText} />
          </Box>
          {asText ? (
            <Suspense fallback={<Loading what="Opening the editor" />}>
              <YamlEditor
                label="Campaign as YAML"
                text={text}
                onChange={setText}
                diagnostics={own ?? NO_PROBLEMS}
                height="calc(100vh - 190px)"
              />
            </Suspense>
          ) : (
            <FormOver text={text} onText={setText} plan={plan.data} />
          )}
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }} className="beside">
          <PlanPanel plan={plan.data} error={plan.error} onShow={show} />
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function FormOver(props: { text: string; onText: (text: string) => void; plan: PlanPreview | undefined }) {
  const { text, onText, plan } = props;
  const problem = useMemo(() => unreadable(text), [text]);
  const { ranges } = useCampaignKeys();
  const lens = useMemo<Lens>(
    () => ({
      data: problem === null ? dataOf(text) : {},
      set: (path, value) => onText(withValue(text, path, value)),
      setAll: (changes) =>
        onText(changes.reduce((before, [path, value]) => withValue(before, path, value), text)),
      inForce: (path) => plan?.in_force[path.join(".")] ?? null,
      range: (path) => ranges[path.join(".")] ?? null,
      disabled: problem !== null,
    }),
    [text, problem, onText, plan, ranges],
  );
  return (
    <LensContext.Provider value={lens}>
      {problem !== null && (
        <Alert color="red" title={`Line ${problem.line} of the YAML cannot be read`} mb="sm">
          <Text size="sm">{problem.message} The form waits until it is corrected there.</Text>
        </Alert>
      )}
      <CampaignForm />
    </LensContext.Provider>
  );
}
