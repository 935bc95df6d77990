# The commands a newcomer needs. `make run` and `make test` install what they need, after saying so.

BIN := $(or $(CARGO_TARGET_DIR),target)/release
CARGO := cargo --locked

.PHONY: run test fuzz images setup build lint format bench clean help

help: ## Show these lines
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

setup: ## Check the tools and install what is missing
	@scripts/setup.sh

build: setup ## Build every program
	@$(CARGO) build --release --workspace

run: build ## Do the main job: run the quickstart campaign and show its results
	@$(BIN)/lem run examples/quickstart.yaml

test: build ## Run every test
	@scripts/test.sh

fuzz: build ## Look for crashes in what reads files and workers, ten minutes for each
	@LEM_FUZZ_SECONDS=600 $(CARGO) test --release --workspace --test fuzz -- --nocapture

images: setup ## Build the images that need no registry
	@scripts/images.sh

lint: setup ## Check formatting, lints and documentation
	@cargo fmt --all --check
	@$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --quiet

format: ## Format the code
	@cargo fmt --all

bench: build ## Measure speed beside a peer or a limit; figures go to docs/benchmarks.md
	@$(BIN)/lem-bench all --write docs/benchmarks.md

clean: ## Remove what was built
	@cargo clean
