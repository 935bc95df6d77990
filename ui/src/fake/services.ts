// Docker and the compose services of the fake project, and what looking at the machine found.
import type { Check, CheckStatus, Doctor, ServicesView, ServiceView } from "../api/bindings";

const PRESENT: ServiceView = {
  name: "",
  present: true,
  image: null,
  built: true,
  built_at: "2026-11-18",
  gpus: false,
  runs_workers: true,
  usable: true,
  reason: null,
  remedy: null,
  notes: [],
};

const SERVICES: ServiceView[] = [
  { ...PRESENT, name: "candle", image: "lem-worker-candle:0.1" },
  { ...PRESENT, name: "pytorch", image: "lem-worker-pytorch:2.9", gpus: true },
  {
    ...PRESENT,
    name: "vllm",
    image: "lem-worker-vllm:0.11",
    gpus: true,
    built: false,
    built_at: null,
    usable: false,
    reason: "its image is not built",
    remedy: "build it: docker compose build vllm",
  },
  {
    ...PRESENT,
    name: "tensorrt",
    present: false,
    built: null,
    built_at: null,
    usable: false,
    reason: "the compose file has no service `tensorrt`",
    remedy: "add a service `tensorrt` to the project's compose file",
  },
];

export function servicesView(project: string, docker: boolean): ServicesView {
  return {
    docker: docker
      ? { reachable: true, message: "Docker engine 28.5.1 at /var/run/docker.sock", remedy: null }
      : {
          reachable: false,
          message: "no Docker engine answers at /var/run/docker.sock",
          remedy: "sudo systemctl start docker",
        },
    compose_file: `${project}/docker-compose.yml`,
    compose_error: null,
    services: docker ? SERVICES : SERVICES.map(withoutEngine),
  };
}

function withoutEngine(service: ServiceView): ServiceView {
  if (!service.present) return service;
  const reason = "the Docker engine is not reachable";
  return { ...service, built: null, built_at: null, usable: false, reason, remedy: null };
}

function check(name: string, status: CheckStatus, message: string, remedy: string | null = null): Check {
  return { name, status, message, remedy };
}

export function doctorOf(project: string, settingsProblem: string | null): Doctor {
  return {
    ready: true,
    checks: [
      check("nvml", "ok", "1 GPU, driver 580.95.05"),
      check(
        "rapl",
        "note",
        "/sys/class/powercap/intel-rapl:0/energy_uj cannot be read: permission denied",
        "sudo chmod a+r /sys/class/powercap/*/energy_uj",
      ),
      check("power", "note", "campaigns here measure NVIDIA H100 PCIe, AMD EPYC 9334 (estimated)"),
      check("worker", "ok", "the embedded worker is /opt/lem/lem-worker-candle"),
      check("docker", "ok", "Docker engine 28.5.1"),
      settingsProblem === null
        ? check("settings", "ok", `${project}/.lem-config.yaml is valid`)
        : check("settings", "note", settingsProblem, "see `lem config check`"),
      check("results", "ok", `${project}/results: 512.3 GiB free`),
    ],
  };
}
