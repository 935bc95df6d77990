// The first experiment beside each other one of its campaign, cycle by cycle.
import { Card, Table, Text, Title } from "@mantine/core";

import type { Compared, Comparison, Paired, Provenance } from "../../api/bindings";
import { Quantity } from "../../components/Quantity";
import { digits, MISSING, plain, probability, range, si, signed } from "../../lib/format";
import { weakest } from "../../lib/provenance";

const UNIT = "J/token";
/** An interval is read in one line. */
const WHOLE = { whiteSpace: "nowrap" } as const;

export function Pairs({ comparison }: { comparison: Comparison }) {
  const [first, ...others] = comparison.experiments;
  if (first === undefined || others.length === 0) return null;
  const paired = new Set(comparison.pairs.map(({ second }) => second));
  const without = others.filter((_, index) => !paired.has(index + 1)).map(({ experiment }) => experiment);
  return (
    <Card>
      <Title order={2} mb="xs">
        Against {first.experiment}, cycle by cycle
      </Title>
      {comparison.pairs.length > 0 && <PairTable comparison={comparison} first={first} />}
      {without.length > 0 && (
        <Text size="sm" mt="xs">
          Not paired: {without.join(", ")}. Pairs take two or more cycles that both have completed, in the
          same campaign.
        </Text>
      )}
      {comparison.pairs.length > 0 && (
        <Text size="xs" c="dimmed" mt="xs">
          Values are paired by cycle, so that what drifts from cycle to cycle moves both and cancels. Below a
          ratio of 1 the experiment took less energy for each output token than {first.experiment}. Where the
          interval of the difference holds 0, none is shown by these cycles. d_z is the difference by its
          standard deviation over the cycles, too large on average when they are few. One comparison in twenty
          has p below 0.05 by chance.
        </Text>
      )}
    </Card>
  );
}

function PairTable({ comparison, first }: { comparison: Comparison; first: Compared }) {
  return (
    <Table.ScrollContainer minWidth={740}>
      <Table aria-label={`Paired with ${first.experiment}`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Experiment</Table.Th>
            <Table.Th>What it says</Table.Th>
            <Table.Th ta="right">Difference, {UNIT}</Table.Th>
            <Table.Th ta="right">Ratio</Table.Th>
            <Table.Th ta="right">p</Table.Th>
            <Table.Th ta="right">n</Table.Th>
            <Table.Th ta="right">d_z</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {comparison.pairs.map(({ second, joules_per_output_token: pair }) => {
            const other = comparison.experiments[second];
            if (other === undefined) return null;
            const provenance = weakest([first, other].flatMap(({ group }) => group.provenance ?? []));
            return <PairRow key={second} name={other.experiment} pair={pair} provenance={provenance} />;
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function PairRow(props: { name: string; pair: Paired; provenance: Provenance | null }) {
  const { name, pair, provenance } = props;
  const ratio = pair.ratio === null ? MISSING : digits(pair.ratio);
  const test = "the differences are all equal: there is no scatter to test against";
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: "anywhere" }}>{name}</Table.Td>
      <Table.Td>{saying(pair)}</Table.Td>
      <Table.Td ta="right">
        <Quantity text={signed(pair.difference, "")} provenance={provenance} />
        <Text size="xs" c="dimmed" style={WHOLE}>
          {range(pair.ci_low, pair.ci_high, "")}
        </Text>
        {pair.bca_low !== null && pair.bca_high !== null && (
          <Text size="xs" c="dimmed" style={WHOLE}>
            bootstrap {range(pair.bca_low, pair.bca_high, "")}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={ratio} provenance={provenance} missing="a value is not positive" />
        {pair.ratio_low !== null && pair.ratio_high !== null && (
          <Text size="xs" c="dimmed" style={WHOLE}>
            {range(pair.ratio_low, pair.ratio_high, "")}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={probability(pair.p)} missing={test} />
      </Table.Td>
      <Table.Td ta="right" title={`cycles ${pair.cycles.join(", ")}`}>
        {pair.n}
      </Table.Td>
      <Table.Td ta="right">
        <Quantity text={pair.d_z === null ? MISSING : signed(pair.d_z, "")} missing={test} />
      </Table.Td>
    </Table.Tr>
  );
}

/** The direction and the size, or that none is seen: an interval that holds 0 leaves both directions open. */
export function saying({ difference, ci_low, ci_high, ratio }: Paired): string {
  if (ci_low <= 0 && ci_high >= 0) return "no difference is shown";
  const word = difference < 0 ? "less" : "more";
  const size = ratio === null ? si(Math.abs(difference), UNIT) : plain(Math.abs(ratio - 1) * 100, "%");
  return `${size} ${word} energy for each output token`;
}
