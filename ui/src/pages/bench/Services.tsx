// Docker, and the services that backends run in. A known backend without a service is shown with the reason.
import { Badge, Card, Group, Table, Text, Title, Tooltip } from "@mantine/core";

import type { ServiceView } from "../../api/bindings";
import { useHostQuery } from "../../api/queries";
import { ErrorNotice } from "../../components/ErrorNotice";
import { Loading } from "../../components/Page";
import { backendColor } from "../../lib/colors";
import { Remedy } from "./Checks";

export function Services() {
  const services = useHostQuery("services", [], (host) => host.services(), { every: 30_000 });
  const view = services.data;
  return (
    <Card>
      <Title order={2} mb="xs">
        Docker and services
      </Title>
      {services.error && <ErrorNotice error={services.error} onRetry={() => void services.refetch()} />}
      {view === undefined && !services.error && <Loading what="Asking Docker" />}
      {view && (
        <>
          <Text size="sm" c={view.docker.reachable ? "dimmed" : "red"}>
            {view.docker.message}
          </Text>
          {view.docker.remedy !== null && <Remedy text={view.docker.remedy} />}
          {view.compose_error !== null && <ErrorNotice error={new Error(view.compose_error)} />}
          <Table mt="xs" aria-label="Services">
            <Table.Tbody>
              {view.services.map((service) => (
                <ServiceRow key={service.name} service={service} />
              ))}
            </Table.Tbody>
          </Table>
        </>
      )}
    </Card>
  );
}

function ServiceRow({ service }: { service: ServiceView }) {
  return (
    <Table.Tr>
      <Table.Td w={110} valign="top">
        <Text
          size="sm"
          fw={600}
          {...(service.usable
            ? { style: { borderBottom: `2px solid ${backendColor(service.name)}` } }
            : { c: "dimmed" })}
          span
        >
          {service.name}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={6}>
          {service.image !== null && <Text size="sm">{service.image}</Text>}
          {service.built === true && (
            <Tooltip label={service.built_at === null ? "built" : `built ${service.built_at}`}>
              <Badge size="xs" variant="light" color="green" tt="none" tabIndex={0}>
                built
              </Badge>
            </Tooltip>
          )}
          {service.gpus && (
            <Badge size="xs" variant="light" tt="none">
              GPU
            </Badge>
          )}
        </Group>
        {service.reason !== null && (
          <Text size="xs" c="dimmed">
            {service.reason}
          </Text>
        )}
        {service.remedy !== null && <Remedy text={service.remedy} />}
      </Table.Td>
    </Table.Tr>
  );
}
