# The commands a newcomer needs. Each installs what it needs, after saying so.

BIN := $(or $(CARGO_TARGET_DIR),target)/release
CARGO := cargo --locked
PAGE := $(shell find ui/src ui/index.html ui/package.json ui/vite.config.ts -type f)

.PHONY: run desktop test test-engines fuzz images bundle setup build bindings lint format bench clean help

help: ## Show these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

setup: ## Check the tools and install what is missing
	@scripts/setup.sh

# npm writes this file last, and with the time of the installation.
ui/node_modules/.package-lock.json: ui/package-lock.json | setup
	@npm --prefix ui ci --no-audit --no-fund
	@touch $@

# The page is compiled into the app, so it is there before anything of the workspace is.
ui/dist/index.html: ui/node_modules/.package-lock.json $(PAGE)
	@npm --prefix ui run --silent build -- --logLevel warn

build: setup ui/dist/index.html ## Build every program
	@$(CARGO) build --release --workspace

run: build ## Do the main job: run the quickstart campaign and show its results
	@$(BIN)/lem run examples/quickstart.yaml

desktop: build ## Open the window
	@$(BIN)/lem-desktop

test: build ## Run every test
	@scripts/test.sh

test-engines: build ## Run real PyTorch and a real llama.cpp server on the CPU; downloads 6 GB
	@scripts/test-engines.sh

fuzz: build ## Look for crashes in what reads files and workers, ten minutes for each
	@LEM_FUZZ_SECONDS=600 $(CARGO) test --release --workspace --test fuzz -- --nocapture

images: setup ## Build the images that need no registry
	@scripts/images.sh

bundle: build ## Make a .deb, and an AppImage where its tools can be downloaded
	@scripts/bundle.sh

bindings: ui/dist/index.html ## Write what the page knows of the commands
	@LEM_WRITE_BINDINGS=1 $(CARGO) test --release --workspace --bin lem-desktop --quiet

lint: setup ui/dist/index.html ## Check formatting, lints and documentation
	@cargo fmt --all --check
	@$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --quiet
	@npm --prefix ui run --silent lint

format: ui/node_modules/.package-lock.json ## Format the code
	@cargo fmt --all
	@npm --prefix ui run --silent format

bench: build ## Measure speed beside a peer or a limit; figures go to docs/benchmarks.md
	@$(BIN)/lem-bench all --write docs/benchmarks.md

clean: ## Remove what was built
	@cargo clean
	@rm -rf ui/dist ui/dist-fake ui/node_modules
