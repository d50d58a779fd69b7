# One image with every command of cmd/ but the kubectl plugin. hack/image.sh makes the same file tree without a Docker engine.
# The base images are named by tags: a digest that nobody here could compare with the registry would be a guess. Renovate
# (.renovaterc.json) adds the digests where it can reach the registries, and keeps them.
FROM --platform=$BUILDPLATFORM golang:1.26 AS builder
WORKDIR /src
COPY go.mod go.sum ./
COPY vendor/ vendor/
COPY hack/build.sh hack/compile.sh hack/
COPY pkg/ pkg/
COPY cmd/ cmd/
COPY manifests/ manifests/
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=v0.1.0
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH VERSION=$VERSION hack/build.sh /out ./cmd/kymaros-...

# No shell, no package manager; CA certificates and a user without rights.
FROM gcr.io/distroless/static:nonroot
COPY --from=builder /out/ /
# By number: the kubelet can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/kymaros-controller"]
