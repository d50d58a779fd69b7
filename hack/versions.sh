#!/usr/bin/env bash
# Tests what depends on the API server with other versions of Kubernetes: hack/versions.sh 1.30 1.36. Without any, with all of
# test/cluster/mods/k8s-*. -short before them leaves slow tests out and means the oldest without any: all other tests have the newest.
# -build before all that only builds them.
# A new one is written by test/cluster/mods/kubernetes.sh and takes some six minutes of two processors to build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build_only=
if [ "${1:-}" = -build ]; then
  build_only=true
  shift
fi
short=
if [ "${1:-}" = -short ]; then
  short=-short
  shift
fi
if [ $# = 0 ]; then
  mapfile -t have < <(cd test/cluster/mods && printf '%s\n' k8s-* | grep -o '[0-9.]*$' | sort -V)
  [ -z "$short" ] || have=("${have[0]}")
  set -- "${have[@]}"
fi

if [ -n "$build_only" ]; then
  for version; do test/cluster/run.sh build --kubernetes "$version"; done
  exit
fi

# What is judged by the API server alone: the fence, permissions, definitions; and runs from beginning to end.
tests=(
  TestTheFence TestARunGoesThroughTheFence TestTheFenceJudgesWhoWritesThroughTheAPI
  TestPermissions TestATokenIsMountedOnlyWhereRightsGoWithIt TestWhoGetsWhatOfTheAPI
  TestTheProofOfIsolationIsNotForged TestWhatIsShippedStaysAsItIs TestASandboxTakesNoVolumeThatWaitsForProduction
  TestAPodOfASandboxJoinsNoOtherNetwork TestNoPluginOpensASandbox TestAStolenTokenTellsOfTestsOnly
  TestAStolenTokenTakesNoPolicyOffASandboxWithPods TestTheOwnerOfATestForgesNoReport
  TestAStolenTokenRestoresIntoNothingButTheSandboxesOfItsRun TestAStolenTokenRestoresNoKindThatNobodyPermitted
  TestVeleroMakesNothingOfItsOwnOutOfABackup TestAStolenTokenWritesNoRulesForVelero
  TestNobodyChangesTheChecksOfSomebodyElsesTest TestNobodyButTheProberWritesReports TestASandboxHasNoNameThatToolsTrust
  TestABackupOfAFormerNamespaceOfThatNameTakesARight TestNobodyButAKubeletGetsATokenOfOurs TestTokensOfOurPodsLiveTenMinutes
  TestAStolenTokenDestroysNoVolumeThatProductionKeeps
  TestInvalidObjectsAreRefusedWithTheNameOfTheField TestManifestsOfTheExistingAPIAreStoredAsTheyAre TestExamplesAreValid
  TestThePodsOfTheManifestsAreValidWherePodSecurityIsRestricted TestAReportCannotBeChangedOnceWritten
  TestATestWhoseStatusIsRefusedForItsSpecIsToldInAnEvent TestARunOfAGoodBackupPassesAndLeavesNothing
  TestASandboxIsGuardedBeforeAnythingIsRestoredIntoIt TestMappingsReachVeleroAndAreTold
)
# Whole runs once more, for what one has to tell, and what is slow.
[ -n "$short" ] || tests+=(
  TestAControllerThatStartsCleansUpWhatIsItsOwnAndNothingElse TestARunWithoutHealthChecksIsNeverMoreThanPartial
  TestARequestStartsAnotherRunAndOldReportsGo TestEveryFieldOfStatusHasOneManager TestPodsThatPodSecurityRefusesAreNoBadBackup
  TestPodsBeyondTheQuotaAreNoBadBackup TestPodsOfAnotherPriorityClassAreRefused TestAQuotaOfTheTestIsEnforced
  TestNotifications TestTwoProcessesShareTheControllers
  TestAReportThatWasForgedBeforeTheRunEndsIsNoEvidence TestAReportThatSomebodyElseJudgesFirstIsNoEvidence
  TestAReportIsTheControllersByItsFieldsAndNotByItsLabels TestAGuardThatSomebodyChangesIsPutBackAndTheRunDoesNotPass
  # Slow ones, which -short skips.
  TestNoRunStartsUnlessTheFenceIsIntact TestNothingOutsideOfSandboxesIsChangedByRandomRequests
)
for name in "${tests[@]}"; do
  # One that has another name now would be left out without a word.
  grep -q "^func $name(" test/integration/*_test.go || { echo "test/integration has no $name: name it anew in $0" >&2; exit 1; }
done
# What the API server alone judges is tested with all.
for name in $(sed -n 's/^func \(Test[A-Za-z]*\)(.*/\1/p' test/integration/{attack,fence}_*_test.go test/integration/{crd,rbac,forge,guards}_test.go); do
  grep -qw "$name" "$0" || { echo "test/integration has $name, which depends on the API server: name it in $0" >&2; exit 1; }
done
run="^($(IFS='|' && echo "${tests[*]}"))\$"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
table="asked|server|tests|passed|skipped|failed|seconds"
ok=true
for version; do
  test/cluster/run.sh build --kubernetes "$version"
  start=$SECONDS
  # shellcheck disable=SC2086 # none, or one
  KYMAROS_KUBERNETES=$version go test -trimpath -count=1 -timeout 30m -v $short -run "$run" ./test/integration/ 2>&1 | tee "$log" || ok=false
  server=$(sed -n 's/^integration: the API server is //p' "$log")
  # With the parts that go test counts by themselves.
  count() { grep -cE "^ *--- ($1):" "$log" || true; }
  table+=$'\n'"$version|${server:-none}|$(count 'PASS|FAIL|SKIP')|$(count PASS)|$(count SKIP)|$(count FAIL)|$((SECONDS - start))"
  [ "$(grep -cE '^--- (PASS|FAIL|SKIP):' "$log")" = ${#tests[@]} ] || { echo "Kubernetes $version: not all of the ${#tests[@]} tests came to an end" >&2; ok=false; }
done
echo
awk -F '|' '{ printf "%-8s %-10s %7s %7s %8s %7s %8s\n", $1, $2, $3, $4, $5, $6, $7 }' <<<"$table"
$ok
