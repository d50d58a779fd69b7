#!/usr/bin/env bash
# Generates deepcopy, register, openapi, clientset, listers, informers and apply configurations for our API and for
# Velero's, and our CRDs. hack/verify-codegen.sh tells when this has to be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/_output/tools
mkdir -p "$bin"
(cd hack/tools && go build -o "$bin/" tool)

ours=github.com/kymaros/kymaros
api=$ours/pkg/apis/restore/v1alpha1
velero=github.com/vmware-tanzu/velero/pkg/apis/velero/v1
# Velero's data mover.
mover=github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1
gen=pkg/generated
head=(--go-header-file hack/boilerplate.go.txt)
schema=$(mktemp)
trap 'rm -f "$schema"' EXIT

find pkg/apis -name 'zz_generated.*' -delete
rm -rf "$gen"
"$bin/deepcopy-gen" "${head[@]}" --output-file zz_generated.deepcopy.go "$api"
"$bin/register-gen" "${head[@]}" --output-file zz_generated.register.go "$api"
# Model names and definitions; without them the fake clientset knows nothing of map lists, and a test of server-side
# apply proves nothing. The packages of others have their model names already.
"$bin/openapi-gen" "${head[@]}" --output-dir "$gen/openapi" --output-pkg "$ours/$gen/openapi" \
  --output-file zz_generated.openapi.go --output-model-name-file zz_generated.model_name.go --report-filename /dev/null \
  --readonly-pkg k8s.io/apimachinery/pkg/apis/meta/v1 --readonly-pkg k8s.io/apimachinery/pkg/runtime \
  --readonly-pkg k8s.io/apimachinery/pkg/version \
  "$api" k8s.io/apimachinery/pkg/apis/meta/v1 k8s.io/apimachinery/pkg/runtime k8s.io/apimachinery/pkg/version
go run ./hack/models-schema >"$schema"
"$bin/applyconfiguration-gen" "${head[@]}" --output-dir "$gen/applyconfiguration" --output-pkg "$ours/$gen/applyconfiguration" \
  --openapi-schema "$schema" "$api" "$velero" "$mover"
"$bin/client-gen" "${head[@]}" --output-dir "$gen/clientset" --output-pkg "$ours/$gen/clientset" --clientset-name versioned \
  --apply-configuration-package "$ours/$gen/applyconfiguration" --input-base "" --input "$api" --input "$velero" --input "$mover"
"$bin/lister-gen" "${head[@]}" --output-dir "$gen/listers" --output-pkg "$ours/$gen/listers" "$api" "$velero" "$mover"
"$bin/informer-gen" "${head[@]}" --output-dir "$gen/informers" --output-pkg "$ours/$gen/informers" \
  --versioned-clientset-package "$ours/$gen/clientset/versioned" --listers-package "$ours/$gen/listers" "$api" "$velero" "$mover"
"$bin/controller-gen" crd paths=./pkg/apis/... output:crd:dir=manifests/crds

# A wrong model package name is no error to the generators: they leave the schema untyped.
grep -q 'name: com.github.kymaros.kymaros.pkg.apis.restore.v1alpha1.RestoreTestStatus$' "$gen/applyconfiguration/internal/internal.go"
grep -q 'elementRelationship: associative' "$gen/applyconfiguration/internal/internal.go"
