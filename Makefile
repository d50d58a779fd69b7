# Every target is one line; what it does is in hack/ and test/cluster.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build test test-all test-unit test-integration test-dashboard test-e2e test-real test-csi test-nodes test-surroundings test-disaster test-velero test-cases test-zoo test-versions test-readme test-chart test-chart-node soak bench verify generate image reproducible sbom krew release vulncheck demo cluster-up cluster-down clean

help: ## This list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: ## The commands of cmd/, in _output/bin.
	@hack/build.sh _output/bin

test: ## What a change has to pass: every layer without its slow tests, some 25 minutes on two cores.
	@for layer in unit 'integration -short' 'dashboard -short' 'e2e -short'; do hack/test.sh $$layer; done

test-all: test-unit test-integration test-chart test-dashboard test-e2e ## The same layers with their slow tests, and the chart on a control plane.

test-unit: ## Tests that need nothing but Go; the first run builds Helm, for the chart.
	@hack/test.sh unit

test-integration: ## Tests against a real control plane without a node; the first run builds it.
	@hack/test.sh integration

test-chart: ## The Helm chart installed, upgraded and uninstalled by Helm 3 and 4, on a control plane without a node; the first run builds all.
	@hack/test.sh chart

test-chart-node: ## The Helm chart installed, upgraded and uninstalled with its pods, on a cluster of its own; root on Linux.
	@hack/test.sh chart -node -run Installed

test-dashboard: ## The dashboard in Chromium, driven by Node.js.
	@hack/test.sh dashboard

test-e2e: ## Tests on a real node with Velero, and the quick field cases; root on Linux.
	@hack/test.sh e2e

test-real: test-csi test-nodes test-surroundings test-disaster ## Clusters as people have them: test-csi, test-nodes, test-surroundings and test-disaster.

test-csi: ## CSI snapshots and the data mover, with two versions of Velero, on a cluster of its own; root on Linux.
	@hack/test.sh real

test-nodes: ## Several nodes, of which some are lost, drained or do not enforce policies, on a cluster of its own; root on Linux.
	@hack/test.sh nodes

test-surroundings: ## Another domain, two IP families, Pod Security and priority for all, policies that change what is created, a mesh, on a cluster of its own; root on Linux.
	@hack/test.sh surroundings

test-disaster: ## A backup restored where its cluster is gone, on two clusters one after the other; root on Linux.
	@hack/test.sh disaster

test-velero: ## The end-to-end tests with each minor of Velero before the usual one, from 1.15, on a cluster of its own; root on Linux.
	@hack/test.sh velero

test-cases: ## Field cases, which are applications as people run them, on a real node; root on Linux.
	@hack/test.sh cases

test-zoo: ## Hundreds of objects, legal and each odd in another way, through the real Velero; root on Linux.
	@hack/test.sh zoo

test-versions: ## The fence, permissions and whole runs with every other Kubernetes of test/cluster/mods; the first run builds them.
	@hack/test.sh versions

test-readme: ## Every command of every README, as a newcomer would type them, on a real node; root on Linux.
	@hack/test.sh readme

soak: ## Every fault at every request of a run, against a control plane; hours.
	@hack/test.sh soak

bench: ## Measurements against a control plane, and on a real node; root on Linux.
	@hack/test.sh bench

verify: ## Every hack/verify-*.sh: formatting, linters, generated code, vendor/.
	@hack/verify.sh

generate: ## Generated code and CRDs, after a change of pkg/apis.
	@hack/update-codegen.sh

image: ## The file tree of the image in _output/image, without a Docker engine.
	@hack/image.sh _output/image

reproducible: ## Proves that two builds are the same, byte by byte; minutes, so not part of verify.
	@hack/reproducible.sh

sbom: ## What the commands are made of, as SPDX, in _output/sbom.spdx.json.
	@hack/sbom.sh _output/sbom.spdx.json

krew: ## The kubectl plugin for every platform with its krew manifest, checked, in _output/krew; VERSION=v0.1.0; minutes, so not part of verify.
	@hack/krew.sh _output/krew

release: ## All files of a release with their checksums, made twice and compared, in _output/release; VERSION=v0.1.0; minutes, so not part of verify.
	@hack/release.sh _output/release

vulncheck: ## Known vulnerabilities in what the commands call; needs the database (GOVULNDB).
	@hack/vulncheck.sh

demo: ## One restore test from beginning to end, on a cluster of its own or on yours (KUBECONFIG=FILE).
	@hack/demo.sh

cluster-up: ## Start the one-node test cluster with Velero; root on Linux.
	@test/cluster/run.sh up

cluster-down: ## End it and leave nothing behind.
	@test/cluster/run.sh down

clean: ## Remove what was built here.
	@rm -rf _output
